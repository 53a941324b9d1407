#include "plugin/removals.h"

#include <algorithm>
#include <utility>

namespace nodedevice {

TimePoint Removals::Device::RemoveAt() const { return std::max(idle_since + kIdle, retry_at); }

void Removals::OnWorked(const std::set<std::string>& unwanted, const std::set<std::string>& tried,
                        TimePoint now) {
  std::erase_if(unwanted_, [&](const auto& device) { return !unwanted.contains(device.first); });
  for (const std::string& id : unwanted) {
    Device& device = unwanted_.try_emplace(id, Device{.idle_since = now}).first->second;
    if (!tried.contains(id)) continue;
    device.tried = true;
    device.retry_at = now + kRetry;
  }
}

void Removals::OnHeld(const std::optional<std::set<std::string>>& held, TimePoint now) {
  asked_ = true;
  const auto before = std::exchange(held_, held);
  if (!held_) return;
  for (auto& [id, device] : unwanted_) {
    // Whoever had it while nobody could be asked may have had it until now.
    if (!held_->contains(id) && (!before || before->contains(id))) device.idle_since = now;
  }
}

DeviceMaker::Order Removals::OrderAt(TimePoint now) const {
  DeviceMaker::Order order;
  if (!asked_) return order;
  for (const auto& [id, device] : unwanted_) {
    const bool idle = IsIdle(id);
    if (idle && now >= device.RemoveAt()) {
      order.remove.insert(id);
    } else if (!idle || device.tried) {
      order.keep.insert(id);
    }
  }
  return order;
}

std::optional<TimePoint> Removals::NextDeadline() const {
  std::optional<TimePoint> next;
  for (const auto& [id, device] : unwanted_) {
    if (!IsIdle(id)) continue;
    next = next ? std::min(*next, device.RemoveAt()) : device.RemoveAt();
  }
  return next;
}

}  // namespace nodedevice
