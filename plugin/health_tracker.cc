#include "plugin/health_tracker.h"

#include <algorithm>
#include <utility>
#include <vector>

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
  using Since = std::map<std::string, TimePoint, NaturalLess>;
  Since gone;
  Since well;
  std::vector<std::pair<std::string, Device>> kept;  // vanished, but still announced
  std::vector<std::string> distrusted;
  const auto since = [now](const Since& known, const std::string& id) {
    const auto found = known.find(id);
    return found == known.end() ? now : found->second;
  };
  VisitBoth(before, scanned, [&](const std::string& id, const Device* old, const Device* found) {
    if (old == nullptr) return;
    if (found == nullptr) {
      const TimePoint when = since(gone_since_, id);
      if (now - when >= kRemembered) return;
      Device& device = kept.emplace_back(id, *old).second;
      if (!gone_since_.contains(id)) device.problem = GoneReason(*old);
      gone.emplace(id, when);
    } else if (!old->healthy() && found->healthy() && recover_ > Duration::zero()) {
      const TimePoint when = since(well_since_, id);
      if (now - when >= recover_) return;
      distrusted.push_back(id);
      well.emplace(id, when);
    }
  });
  for (const std::string& id : distrusted) {
    scanned.find(id)->second.problem = "well again, but not yet for long enough (health.recover)";
  }
  for (auto& [id, device] : kept) scanned.emplace(id, std::move(device));
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
