#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "lib/base/clock.h"
#include "plugin/discovery/maker.h"

namespace nodedevice {

// When devices that nobody asks for any more may be removed. Pure: what is known and the time go
// in, an order for a DeviceMaker comes out.
//
// One may go when no container has had it for kIdle, by the word of a kubelet that could be asked.
// What has been refused is tried again after kRetry, and waits like one that a pod has: it keeps
// nothing else from being done.
class Removals {
 public:
  // The kubelet's list of pods is known to run behind by half of that.
  static constexpr Duration kIdle = std::chrono::seconds(30);
  static constexpr Duration kRetry = std::chrono::seconds(60);

  // After a maker's work: what is still there and not asked for, though `tried` was ordered away.
  void OnWorked(const std::set<std::string>& unwanted, const std::set<std::string>& tried,
                TimePoint now);
  // The devices that containers have; nullopt: the kubelet could not be asked.
  void OnHeld(const std::optional<std::set<std::string>>& held, TimePoint now);

  DeviceMaker::Order OrderAt(TimePoint now) const;
  // When an order would be another one; nullopt: no time passes that matters.
  std::optional<TimePoint> NextDeadline() const;
  bool empty() const { return unwanted_.empty(); }

 private:
  struct Device {
    TimePoint idle_since;  // of no matter while a container has it
    TimePoint retry_at = {};
    bool tried = false;
    TimePoint RemoveAt() const;
  };
  bool IsIdle(const std::string& id) const { return held_ && !held_->contains(id); }

  std::map<std::string, Device> unwanted_;
  std::optional<std::set<std::string>> held_;  // nullopt: not known
  bool asked_ = false;                         // the kubelet has been, whatever came of it
};

}  // namespace nodedevice
