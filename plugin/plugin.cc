#include "plugin/plugin.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "lib/base/log.h"

namespace nodedevice {
namespace {

// What is plugged and unplugged at human speed passes at once, and a storm gives five lists a
// second.
constexpr Duration kScanSpacing = std::chrono::milliseconds(5);
constexpr int kScanBurst = 256;
constexpr Duration kScanInterval = std::chrono::milliseconds(200);
// The end of a stream tells of a kubelet that was killed, and a node may have a hundred resources.
constexpr Duration kLooksAtKubelet = std::chrono::minutes(1);

// Figures that did not come that often any more are old.
constexpr int kMissedSamples = 3;

}  // namespace

Plugin::Plugin(Parts parts, PluginSpec spec, std::unique_ptr<DiscoverySource> source)
    : parts_(std::move(parts)),
      spec_(std::move(spec)),
      source_(std::move(source)),
      alive_(std::make_shared<Plugin*>(this)),
      gate_(kScanSpacing, kScanBurst, kScanInterval),
      hints_(
          parts_.loop, [this] { Hint(); }, DirectoryWatch::Events::kNames),
      next_scan_(parts_.loop, [this] { Scan(); }),
      next_health_(parts_.loop, [this] { Hint(); }),
      figures_interval_(source_->FiguresInterval()),
      next_figures_(parts_.loop, [this] { Measure(); }),
      kubelet_(parts_.loop, parts_.paths,
               {.on_transition = [this](Transition transition) { OnKubelet(transition); },
                .on_look = [this] { OnLook(); }},
               kLooksAtKubelet) {
  if (auto preparer = source_->MakePreparer()) {
    preparation_.emplace(parts_.loop, parts_.paths, spec_.resource_name, std::move(preparer),
                         [this] { Hint(); });
  }
  if (auto maker = source_->MakeMaker()) {
    making_.emplace(parts_.loop, parts_.paths, spec_.name, spec_.health.interval, std::move(maker),
                    [this] { Hint(); });
  }
}

void Plugin::Start() {
  source_->OnNews([alive = alive_, &loop = parts_.loop] {
    loop.Post([alive] {
      if (*alive != nullptr) (*alive)->Hint();
    });
  });
  if (preparation_) preparation_->Start();
  if (making_) making_->Start();
  Scan();
}

void Plugin::Hint() {
  if (scanning_) {
    // Not the timer: the end of the scan sets it for the rescan.
    scan_again_ = true;
    return;
  }
  const Duration wait = gate_.Wait(Clock::now());
  if (wait <= Duration::zero()) {
    Scan();
  } else {
    next_scan_.After(wait);
  }
}

void Plugin::Scan() {
  if (stopping_ || scanning_) return;
  gate_.Pass(Clock::now());
  scanning_ = true;
  // Watch before looking, so that what changes in between is hinted at. Directories come and go
  // under their names: all are watched anew.
  const absl::Status watching = hints_.Watch(watched_);
  if (!watching.ok() && watching.message() != watch_problem_) {
    spdlog::warn("{}: {}; changes are found by the rescan every {} ms", spec_.name,
                 std::string(watching.message()), spec_.health.interval.count());
  }
  watch_problem_ = std::string(watching.message());
  parts_.worker.Do([source = source_.get(), alive = alive_, &loop = parts_.loop] {
    auto inventory = std::make_shared<absl::StatusOr<Inventory>>(source->Scan());
    loop.Post([alive, inventory] {
      if (*alive != nullptr) (*alive)->OnScanned(std::move(*inventory));
    });
  });
}

void Plugin::OnScanned(absl::StatusOr<Inventory> inventory) {
  scanning_ = false;
  const bool again = std::exchange(scan_again_, false);
  next_scan_.After(spec_.health.interval);
  if (stopping_) return;
  if (!inventory.ok()) {
    // What was announced before stays: a scan that failed says nothing about the devices.
    spdlog::error("{}: the scan failed: {}; what was found before stays announced", spec_.name,
                  std::string(inventory.status().message()));
    notes_ = {absl::StrCat("the last scan failed: ", inventory.status().message())};
    parts_.on_change();
    if (again) Hint();
    return;
  }
  for (auto& [name, found] : inventory->resources) {
    Announce(ResourceNamed(name), name, std::move(found), *inventory);
  }
  ArmHealthTimer();
  if (held_ && !inventory->hold.empty()) {
    inventory->notes.push_back(absl::StrCat("is not registered as long as ", inventory->hold));
  }
  if (making_) {
    inventory->notes.insert(inventory->notes.end(), making_->notes().begin(),
                            making_->notes().end());
  }
  if (notes_ != inventory->notes) {
    notes_ = std::move(inventory->notes);
    for (const std::string& note : notes_) spdlog::info("{}: {}", spec_.name, note);
    parts_.on_change();
  }
  if (held_ && inventory->hold.empty()) {
    held_ = false;
    kubelet_.Start();
    parts_.on_change();
  }
  if (figures_interval_ && !std::exchange(measuring_, true)) Measure();
  // A directory that was not watched during this scan may have changed since.
  const bool more = std::exchange(watched_, std::move(inventory->directories)) != watched_;
  if (more || again) Hint();
}

Plugin::Resource& Plugin::ResourceNamed(const std::string& name) {
  if (const auto found = resources_.find(name); found != resources_.end()) return found->second;
  ResourceServer::Parts parts{.loop = parts_.loop,
                              .worker = parts_.worker,
                              .paths = parts_.paths,
                              .host = parts_.host,
                              .spec = spec_,
                              .on_change = parts_.on_change,
                              .on_look_at_kubelet = [this] { kubelet_.Look(); },
                              .on_device_missing = [this] { Hint(); },
                              .on_stopped = [this] { OnResourceStopped(); },
                              .prepare = {}};
  if (preparation_) {
    parts.prepare = [this](std::set<std::string> ids, DevicePreparation::Done done) {
      preparation_->Prepare(std::move(ids), std::move(done));
    };
  }
  Resource made{.server = std::make_unique<ResourceServer>(std::move(parts), name),
                .health = HealthTracker(spec_.health.recover)};
  ++running_;
  Resource& resource = resources_.emplace(name, std::move(made)).first->second;
  if (kubelet_.up()) resource.server->OnKubelet(Transition::kUp);
  return resource;
}

std::shared_ptr<const PluginSpec> Plugin::SpecOf(Resource& resource, const std::string& name,
                                                 const Inventory& inventory) const {
  const auto found = inventory.terms.find(name);
  if (found == inventory.terms.end()) return nullptr;
  const auto current = resource.server->Current();
  if (current->spec != nullptr && found->second == resource.terms) return current->spec;
  resource.terms = found->second;
  auto spec = std::make_shared<PluginSpec>(spec_);
  spec->resource_name = name;
  spec->sharing = resource.terms.sharing;
  spec->preference = resource.terms.preference.value_or(spec_.preference);
  spec->discovery = resource.terms.discovery;
  return spec;
}

void Plugin::Announce(Resource& resource, const std::string& name, DeviceSet scanned,
                      const Inventory& inventory) {
  const auto current = resource.server->Current();
  DeviceSet devices = resource.health.Update(current->devices, std::move(scanned), Clock::now());
  VisitBoth(current->devices, devices,
            [&name](const std::string& id, const Device* before, const Device* now) {
              if (now == nullptr || now->problem == (before ? before->problem : "")) return;
              if (now->healthy()) {
                spdlog::info("{}: device {} is healthy again", name, id);
              } else {
                spdlog::warn("{}: device {} is unhealthy: {}", name, id, now->problem);
              }
            });
  resource.server->Publish(std::move(devices), inventory.affinity,
                           SpecOf(resource, name, inventory));
}

void Plugin::ArmHealthTimer() {
  std::optional<TimePoint> next;
  for (const auto& [name, resource] : resources_) {
    const auto when = resource.health.NextDeadline();
    if (when) next = next ? std::min(*next, *when) : *when;
  }
  if (next) {
    next_health_.At(*next);
  } else {
    next_health_.Cancel();
  }
}

void Plugin::Measure() {
  if (stopping_) return;
  next_figures_.After(*figures_interval_);
  parts_.worker.Do([source = source_.get(), alive = alive_, &loop = parts_.loop] {
    source->Measure([alive, &loop](std::vector<DeviceFigures> figures) {
      loop.Post([alive, figures = std::move(figures)]() mutable {
        if (*alive != nullptr) (*alive)->OnMeasured(std::move(figures));
      });
    });
  });
}

void Plugin::OnMeasured(std::vector<DeviceFigures> figures) {
  if (stopping_ || (figures.empty() && figures_.empty())) return;
  figures_ = std::move(figures);
  ++samples_;
  parts_.on_change();
}

FiguresSample Plugin::FiguresOf(const Resource& resource) const {
  FiguresSample sample;
  if (samples_ == 0) return sample;
  sample.number = samples_;
  sample.valid = std::chrono::ceil<std::chrono::seconds>(kMissedSamples * *figures_interval_);
  const auto announced = resource.server->Current();
  for (const DeviceFigures& figures : figures_) {
    if (sample.devices.size() == kMaxReportedDevices) break;
    if (announced->devices.contains(figures.id)) sample.devices.push_back(figures);
  }
  return sample;
}

void Plugin::OnLook() {
  if (kubelet_.problem() != kubelet_problem_) {
    kubelet_problem_ = kubelet_.problem();
    if (!kubelet_problem_.empty()) {
      spdlog::info("{}: waiting for the kubelet: {}", spec_.name, kubelet_problem_);
    }
  }
  for (auto& [name, resource] : resources_) resource.server->CheckOwnSocket();
}

void Plugin::OnKubelet(Transition transition) {
  for (auto& [name, resource] : resources_) resource.server->OnKubelet(transition);
}

void Plugin::Stop(bool withdraw) {
  if (stopping_ && withdraw) return;  // only the faster way may follow
  stopping_ = true;
  if (running_ == 0) {
    parts_.on_stopped();
    return;
  }
  for (auto& [name, resource] : resources_) resource.server->Stop(withdraw);
}

void Plugin::OnResourceStopped() {
  if (--running_ == 0) parts_.on_stopped();
}

std::vector<ResourceReport> Plugin::Report() const {
  std::vector<ResourceReport> reports;
  for (const auto& [name, resource] : resources_) {
    reports.push_back(resource.server->Report());
    reports.back().notes = notes_;
    reports.back().figures = FiguresOf(resource);
    if (held_) reports.back().phase = RegistrationPhase::kHeld;
  }
  return reports;
}

}  // namespace nodedevice
