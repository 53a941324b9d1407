#include "plugin/preparations.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice {

TimePoint Preparations::Device::ReleaseAt() const { return std::max(idle_since + kIdle, retry_at); }

bool Preparations::MayBeReleased(const Devices::value_type& device) const {
  const auto& [id, state] = device;
  return held_ && !held_->contains(id) && state.prepared && state.preparing == 0 &&
         !state.releasing;
}

std::vector<Preparations::Action> Preparations::Handle(const Event& event, TimePoint now) {
  std::vector<Action> actions;
  std::visit([&](const auto& e) { On(e, now, actions); }, event);
  for (auto& device : devices_) {
    if (!MayBeReleased(device) || now < device.second.ReleaseAt()) continue;
    device.second.releasing = true;
    actions.emplace_back(Release{device.first});
  }
  return actions;
}

std::optional<TimePoint> Preparations::NextDeadline() const {
  std::optional<TimePoint> next;
  const auto at = [&next](TimePoint when) { next = next ? std::min(*next, when) : when; };
  for (const auto& [number, call] : calls_) at(call.deadline);
  for (const auto& device : devices_) {
    if (MayBeReleased(device)) at(device.second.ReleaseAt());
  }
  return next;
}

void Preparations::On(const Found& event, TimePoint now, std::vector<Action>&) {
  for (const std::string& id : event.ids) {
    Device& device = devices_[id];
    device.prepared = true;
    device.idle_since = now;
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
  const auto before = std::exchange(held_, event.ids);
  if (!held_) return;
  for (auto& [id, device] : devices_) {
    // Whoever had it while nobody could be asked may have had it until now.
    if (!held_->contains(id) && (!before || before->contains(id))) device.idle_since = now;
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
