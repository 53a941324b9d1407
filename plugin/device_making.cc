#include "plugin/device_making.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/log.h"
#include "plugin/device.h"

namespace nodedevice {

std::optional<std::set<std::string>> AllHeldDevices(const KubeletReport& report) {
  if (!report.error.empty() || report.holders.size() >= kMaxReportedHolders) return std::nullopt;
  std::set<std::string> ids;
  for (const DeviceHolder& holder : report.holders) {
    if (holder.count > holder.devices.size()) return std::nullopt;
    for (const std::string& id : holder.devices) ids.emplace(BaseId(id));
  }
  return ids;
}

DeviceMaking::DeviceMaking(EventLoop& loop, const KubeletPaths& paths, std::string name,
                           Duration interval, std::unique_ptr<DeviceMaker> maker,
                           std::function<void()> on_change, Duration patience)
    : loop_(loop),
      name_(std::move(name)),
      interval_(interval),
      patience_(patience),
      on_change_(std::move(on_change)),
      alive_(std::make_shared<DeviceMaking*>(this)),
      next_(loop, [this] { Work(); }),
      slow_(loop, [this] { OnSlow(); }),
      observer_(loop, paths, [this](const KubeletReport& report) { OnReport(report); }),
      maker_(std::move(maker)) {}

DeviceMaking::~DeviceMaking() {
  *alive_ = nullptr;
  stop_.request_stop();
}

void DeviceMaking::Work() {
  if (working_) {
    work_again_ = true;
    return;
  }
  working_ = true;
  worker_.Do([order = removals_.OrderAt(Clock::now()), stop = stop_.get_token(),
              maker = maker_.get(), alive = alive_, &loop = loop_] {
    const auto begins = [&](const std::string& step) {
      loop.Post([alive, step] {
        if (*alive != nullptr) (*alive)->OnBegun(step);
      });
    };
    loop.Post([alive, order, result = maker->Work(order, begins, stop)] {
      if (*alive != nullptr) (*alive)->OnWorked(order, result);
    });
  });
}

void DeviceMaking::OnBegun(const std::string& step) {
  step_ = step;
  slow_.After(patience_);
}

void DeviceMaking::OnSlow() {
  notes_.push_back(absl::StrCat(step_, " has not come to an end for ",
                                std::chrono::ceil<std::chrono::seconds>(patience_).count(),
                                " s: the kernel's log may say what the driver waits for"));
  on_change_();
}

void DeviceMaking::OnWorked(const DeviceMaker::Order& order, const DeviceMaker::Result& result) {
  slow_.Cancel();
  working_ = false;
  worked_at_ = Clock::now();
  removals_.OnWorked(result.unwanted, order.remove, worked_at_);
  for (const std::string& done : result.done) spdlog::info("{}: {}", name_, done);
  const bool other_notes = result.notes != notes_;
  notes_ = result.notes;
  if (other_notes || !result.done.empty()) on_change_();
  if (!removals_.empty() && !std::exchange(observing_, true)) observer_.Start();
  if (std::exchange(work_again_, false)) {
    Work();
  } else {
    Arm();
  }
}

void DeviceMaking::OnReport(const KubeletReport& report) {
  removals_.OnHeld(AllHeldDevices(report), Clock::now());
  // What kept new ones from being made may do so no longer.
  if (!removals_.empty()) Work();
}

void DeviceMaking::Arm() {
  const auto removal = removals_.NextDeadline();
  const TimePoint look = worked_at_ + interval_;
  next_.At(removal ? std::min(*removal, look) : look);
}

}  // namespace nodedevice
