#include "plugin/device_preparation.h"

#include <utility>

#include "lib/base/log.h"
#include "plugin/device.h"

namespace nodedevice {

std::optional<std::set<std::string>> HeldDevices(const KubeletReport& report,
                                                 const std::string& resource) {
  if (!report.error.empty() || report.holders.size() >= kMaxReportedHolders) return std::nullopt;
  std::set<std::string> ids;
  for (const DeviceHolder& holder : report.holders) {
    if (holder.resource != resource) continue;
    if (holder.count > holder.devices.size()) return std::nullopt;
    for (const std::string& id : holder.devices) ids.emplace(BaseId(id));
  }
  return ids;
}

DevicePreparation::DevicePreparation(EventLoop& loop, const KubeletPaths& paths,
                                     std::string resource, std::unique_ptr<DevicePreparer> preparer,
                                     std::function<void()> on_change)
    : loop_(loop),
      resource_(std::move(resource)),
      on_change_(std::move(on_change)),
      alive_(std::make_shared<DevicePreparation*>(this)),
      deadline_(loop, [this] { Handle(Preparations::DeadlinePassed{}); }),
      observer_(loop, paths,
                [this](const KubeletReport& report) {
                  Handle(Preparations::Held{HeldDevices(report, resource_)});
                }),
      preparer_(std::move(preparer)) {}

DevicePreparation::~DevicePreparation() { *alive_ = nullptr; }

void DevicePreparation::Start() {
  worker_.Do([preparer = preparer_.get(), alive = alive_, &loop = loop_] {
    loop.Post([alive, found = preparer->Prepared()] {
      if (*alive != nullptr) (*alive)->Handle(Preparations::Found{found});
    });
  });
  observer_.Start();
}

void DevicePreparation::Prepare(std::set<std::string> ids, Done done) {
  loop_.Post([alive = alive_, ids = std::move(ids), done = std::move(done)]() mutable {
    DevicePreparation* const self = *alive;
    if (self == nullptr) return;
    const std::uint64_t call = ++self->last_call_;
    self->calls_.emplace(call, std::move(done));
    self->Handle(Preparations::Asked{.call = call, .ids = std::move(ids)});
  });
}

void DevicePreparation::Handle(const Preparations::Event& event) {
  for (const Preparations::Action& action : preparations_.Handle(event, Clock::now())) {
    std::visit([this](const auto& a) { Perform(a); }, action);
  }
  if (const auto when = preparations_.NextDeadline()) {
    deadline_.At(*when);
  } else {
    deadline_.Cancel();
  }
}

void DevicePreparation::Perform(const Preparations::Prepare& action) {
  Work<Preparations::Prepared>(action.id, &DevicePreparer::Prepare,
                               {"made ready for a container", "the kubelet tries again"});
}

void DevicePreparation::Perform(const Preparations::Release& action) {
  Work<Preparations::Released>(action.id, &DevicePreparer::Release,
                               {"given back to the host", "it is tried again in a minute"});
}

template <typename Done>
void DevicePreparation::Work(const std::string& id,
                             absl::Status (DevicePreparer::*work)(const std::string&),
                             const Words& words) {
  worker_.Do([id, work, words, preparer = preparer_.get(), alive = alive_, &loop = loop_] {
    loop.Post([id, words, alive, status = (preparer->*work)(id)] {
      if (*alive == nullptr) return;
      (*alive)->OnDone(id, words, status);
      (*alive)->Handle(Done{.id = id, .status = status});
    });
  });
}

void DevicePreparation::Perform(const Preparations::Answer& action) {
  const auto call = calls_.extract(action.call);
  if (!call.empty()) call.mapped()(action.status);
}

void DevicePreparation::OnDone(const std::string& id, const Words& words,
                               const absl::Status& status) {
  if (status.ok()) {
    spdlog::info("{}: device {} is {}", resource_, id, words.done);
    on_change_();
  } else {
    spdlog::warn("{}: device {} could not be {}: {}; {}", resource_, id, words.done,
                 std::string(status.message()), words.otherwise);
  }
}

}  // namespace nodedevice
