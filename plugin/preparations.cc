#include "plugin/preparations.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice {

TimePoint Preparations::Device::ReleaseAt() const { return std::max(idle_since + kIdle, retry_at); }

std::vector<Preparations::Action> Preparations::Handle(const Event& event, TimePoint now) {
  std::vector<Action> actions;
  std::visit([&](const auto& e) { On(e, now, actions); }, event);
  if (!held_) return actions;
  for (auto& [id, device] : devices_) {
    if (!device.MayBeReleased() || now < device.ReleaseAt()) continue;
    device.releasing = true;
    actions.emplace_back(Release{id});
  }
  return actions;
}

std::optional<TimePoint> Preparations::NextDeadline() const {
  std::optional<TimePoint> next;
  const auto at = [&next](TimePoint when) { next = next ? std::min(*next, when) : when; };
  for (const auto& [number, call] : calls_) at(call.deadline);
  if (!held_) return next;
  for (const auto& [id, device] : devices_) {
    if (device.MayBeReleased()) at(device.ReleaseAt());
  }
  return next;
}

void Preparations::On(const Found& event, TimePoint now, std::vector<Action>&) {
  for (const std::string& id : event.ids) {
    Device& device = devices_[id];
    device.prepared = true;
    device.idle_since = now;
    device.held = held_ && held_->contains(id);
  }
}

void Preparations::On(const Asked& event, TimePoint now, std::vector<Action>& actions) {
  if (event.ids.empty()) {
    actions.emplace_back(Answer{event.call, absl::OkStatus()});
    return;
  }
  calls_[event.call] = {.waits_for = event.ids, .deadline = now + kLimit};
  for (const std::string& id : event.ids) {
    Device& device = devices_[id];
    device.held = device.held || (held_ && held_->contains(id));
    device.idle_since = now;
    ++device.preparing;
    actions.emplace_back(Prepare{id});
  }
}

void Preparations::On(const Prepared& event, TimePoint now, std::vector<Action>& actions) {
  Device& device = devices_[event.id];
  if (device.preparing > 0) --device.preparing;
  device.prepared = device.prepared || event.status.ok();
  device.idle_since = now;
  // A call that asked later waits for this one as well as for its own: either is as good.
  for (auto call = calls_.begin(); call != calls_.end();) {
    const bool waited = call->second.waits_for.erase(event.id) > 0;
    if (waited && (!event.status.ok() || call->second.waits_for.empty())) {
      actions.emplace_back(Answer{call->first, Annotate(event.status, event.id)});
      call = calls_.erase(call);
    } else {
      ++call;
    }
  }
  ForgetUnlessUsed(event.id);
}

void Preparations::On(const Released& event, TimePoint now, std::vector<Action>&) {
  Device& device = devices_[event.id];
  device.releasing = false;
  if (event.status.ok()) {
    device.prepared = false;
  } else {
    device.retry_at = now + kRetry;
  }
  ForgetUnlessUsed(event.id);
}

void Preparations::On(const Held& event, TimePoint now, std::vector<Action>&) {
  const bool known_before = held_.has_value();
  held_ = event.ids;
  if (!held_) return;
  for (auto& [id, device] : devices_) {
    const bool held = held_->contains(id);
    // Whoever had it while nobody could be asked may have had it until now.
    if (!held && (device.held || !known_before)) device.idle_since = now;
    device.held = held;
  }
}

void Preparations::On(const DeadlinePassed&, TimePoint now, std::vector<Action>& actions) {
  for (auto call = calls_.begin(); call != calls_.end();) {
    if (now < call->second.deadline) {
      ++call;
      continue;
    }
    actions.emplace_back(Answer{
        call->first, absl::DeadlineExceededError(absl::StrCat(
                         absl::StrJoin(call->second.waits_for, ", "),
                         " could not be made ready within ", kLimit / std::chrono::seconds(1),
                         " s; it goes on, and the next start of the container asks again"))});
    call = calls_.erase(call);
  }
}

void Preparations::ForgetUnlessUsed(const std::string& id) {
  const auto device = devices_.find(id);
  if (device->second.prepared || device->second.preparing > 0 || device->second.releasing) return;
  devices_.erase(device);
}

}  // namespace nodedevice
