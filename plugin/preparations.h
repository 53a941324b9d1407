#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/status.h"

namespace nodedevice {

// Which devices of one entry are to be prepared, and which given back: the decisions behind a
// DevicePreparer. Pure: events and the time go in, actions come out.
//
// A device is prepared for each container that starts, whether it is prepared or not: the host may
// have changed. It is given back when no container has had it for kIdle, by the word of a kubelet
// that could be asked. A call is answered after kLimit at the latest, since a kubelet gives up
// after 30 s and its message would say nothing; what was begun for it goes on.
class Preparations {
 public:
  static constexpr Duration kLimit = std::chrono::seconds(25);
  // A container that restarts finds its device as it left it, and the kubelet's list of pods is
  // known to run behind by half of that.
  static constexpr Duration kIdle = std::chrono::seconds(30);
  // Until the next try, when a device could not be given back.
  static constexpr Duration kRetry = std::chrono::seconds(60);

  // The host was asked at the start what is prepared.
  struct Found {
    std::set<std::string> ids;
  };
  // A container is about to start with these devices.
  struct Asked {
    std::uint64_t call;
    std::set<std::string> ids;
  };
  struct Prepared {
    std::string id;
    absl::Status status;
  };
  struct Released {
    std::string id;
    absl::Status status;
  };
  // The devices that containers have; nullopt: the kubelet could not be asked.
  struct Held {
    std::optional<std::set<std::string>> ids;
  };
  struct DeadlinePassed {};
  using Event = std::variant<Found, Asked, Prepared, Released, Held, DeadlinePassed>;

  // To be carried out in the order in which they are given, one after the other.
  struct Prepare {
    std::string id;
    bool operator==(const Prepare&) const = default;
  };
  struct Release {
    std::string id;
    bool operator==(const Release&) const = default;
  };
  // Ends a call; each gets one answer.
  struct Answer {
    std::uint64_t call;
    absl::Status status;
    bool operator==(const Answer&) const = default;
  };
  using Action = std::variant<Prepare, Release, Answer>;

  std::vector<Action> Handle(const Event& event, TimePoint now);

  // When to come with DeadlinePassed; nullopt: no time passes that matters.
  std::optional<TimePoint> NextDeadline() const;

 private:
  struct Device {
    bool prepared = false;   // as far as is known
    int preparing = 0;       // actions that are not done
    bool releasing = false;  // likewise
    TimePoint idle_since{};  // of no matter while a container holds it
    TimePoint retry_at{};
    TimePoint ReleaseAt() const;
  };
  using Devices = std::map<std::string, Device>;
  struct Call {
    std::set<std::string> waits_for;
    TimePoint deadline;
  };

  void On(const Found& event, TimePoint now, std::vector<Action>& actions);
  void On(const Asked& event, TimePoint now, std::vector<Action>& actions);
  void On(const Prepared& event, TimePoint now, std::vector<Action>& actions);
  void On(const Released& event, TimePoint now, std::vector<Action>& actions);
  void On(const Held& event, TimePoint now, std::vector<Action>& actions);
  void On(const DeadlinePassed& event, TimePoint now, std::vector<Action>& actions);
  // Whether nothing but time keeps it from being given back.
  bool MayBeReleased(const Devices::value_type& device) const;
  void ForgetUnlessUsed(const std::string& id);

  Devices devices_;
  std::map<std::uint64_t, Call> calls_;
  std::optional<std::set<std::string>> held_;  // nullopt: not known
};

}  // namespace nodedevice
