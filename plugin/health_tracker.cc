#include "plugin/health_tracker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice {
namespace {

std::string GoneReason(const Device& device) {
  std::vector<std::string> paths;
  for (const DeviceNode& node : device.nodes) paths.push_back(node.host_path);
  for (const DeviceMount& mount : device.mounts) paths.push_back(mount.host_path);
  if (paths.empty()) return "the device is gone";
  if (paths.size() == 1) return absl::StrCat(paths[0], " is gone");
  return absl::StrCat("not all of ", absl::StrJoin(paths, ", "), " are there");
}

}  // namespace

DeviceSet HealthTracker::Update(const DeviceSet& before, DeviceSet scanned, TimePoint now) {
  std::map<std::string, TimePoint, NaturalLess> gone;
  std::map<std::string, TimePoint, NaturalLess> well;
  for (const auto& [id, old] : before) {
    const auto found = scanned.find(id);
    if (found == scanned.end()) {
      const auto known = gone_since_.find(id);
      const TimePoint since = known == gone_since_.end() ? now : known->second;
      if (now - since >= kRemembered) continue;
      gone.emplace(id, since);
      Device device = old;
      if (known == gone_since_.end()) device.problem = GoneReason(old);
      scanned.emplace(id, std::move(device));
    } else if (!old.healthy() && found->second.healthy() && recover_ > Duration::zero()) {
      const auto known = well_since_.find(id);
      const TimePoint since = known == well_since_.end() ? now : known->second;
      if (now - since >= recover_) continue;
      well.emplace(id, since);
      found->second.problem = "well again, but not yet for long enough (health.recover)";
    }
  }
  gone_since_ = std::move(gone);
  well_since_ = std::move(well);
  return scanned;
}

std::optional<TimePoint> HealthTracker::NextDeadline() const {
  std::optional<TimePoint> next;
  const auto consider = [&next](TimePoint when) { next = next ? std::min(*next, when) : when; };
  for (const auto& [id, since] : gone_since_) consider(since + kRemembered);
  for (const auto& [id, since] : well_since_) consider(since + recover_);
  return next;
}

}  // namespace nodedevice
