#include "devicemanager/conformance/calls.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "devicemanager/conformance/words.h"

namespace nodedevice::devicemanager::conformance {
namespace {

// A kubelet gives PreStartContainer so long, and the other calls no limit.
constexpr Duration kLimit = std::chrono::seconds(30);
constexpr std::size_t kDevicesTried = 16;
constexpr std::size_t kDevicesOffered = 64;
constexpr char kUnknownId[] = "conformance-no-such-device";

using IdList = std::vector<std::string>;

struct Sorted {
  IdList healthy;
  IdList unhealthy;
};

Sorted Sort(const DeviceList& devices) {
  std::set<std::string> healthy;
  std::set<std::string> unhealthy;
  for (const ListedDevice& device : devices) {
    (device.health == "Healthy" ? healthy : unhealthy).insert(device.id);
  }
  return {.healthy = IdList(healthy.begin(), healthy.end()),
          .unhealthy = IdList(unhealthy.begin(), unhealthy.end())};
}

IdList Reversed(IdList ids) {
  std::reverse(ids.begin(), ids.end());
  return ids;
}

class Calls {
 public:
  Calls(std::string resource, const CallContext& context, Observation* observation)
      : resource_(std::move(resource)), context_(context), observation_(*observation) {}

  void Allocate(AllocateCall::Kind kind, const IdList& ids) {
    const auto connection = Connection();
    if (!connection) return;
    AllocateCall call;
    call.kind = kind;
    call.resource = resource_;
    call.ids = ids;
    call.outcome = connection->Allocate(ids, kLimit, &call.response);
    const Outcome outcome = call.outcome;
    Note(outcome);
    observation_.allocations.push_back(std::move(call));
    context_.after(absl::StrCat("Allocate of ", resource_, " ", Ids(ids)), false, outcome);
  }

  void Prefer(PreferredCall::Kind kind, const IdList& available, const IdList& must_include,
              std::size_t size) {
    const auto connection = Connection();
    if (!connection) return;
    PreferredCall call{.kind = kind,
                       .resource = resource_,
                       .available = available,
                       .must_include = must_include,
                       .size = static_cast<int>(size)};
    connection->GetPreferred(kLimit, &call);
    const Outcome outcome = call.outcome;
    Note(outcome);
    observation_.preferences.push_back(std::move(call));
    context_.after(absl::StrCat("GetPreferredAllocation of ", size, " of ",
                                Count(available.size(), "device"), " of ", resource_),
                   kind == PreferredCall::Kind::kImpossible, outcome);
  }

  void PreStart(const IdList& ids) {
    const auto connection = Connection();
    if (!connection) return;
    const PreStartCall call{.resource = resource_, .outcome = connection->PreStart(ids, kLimit)};
    Note(call.outcome);
    observation_.pre_starts.push_back(call);
    context_.after(absl::StrCat("PreStartContainer of ", resource_, " ", Ids(ids)), false,
                   call.outcome);
  }

 private:
  // Who hangs once is not asked again: it would cost as long each time.
  std::shared_ptr<PluginConnection> Connection() const {
    return hangs_ ? nullptr : context_.connection();
  }
  void Note(const Outcome& outcome) { hangs_ = hangs_ || outcome.kind == Outcome::Kind::kTimedOut; }

  const std::string resource_;
  const CallContext& context_;
  Observation& observation_;
  bool hangs_ = false;
};

void AllocateAll(Calls& calls, const Sorted& devices) {
  using Kind = AllocateCall::Kind;
  for (std::size_t i = 0; i < std::min(devices.healthy.size(), kDevicesTried); ++i) {
    calls.Allocate(Kind::kHealthy, {devices.healthy[i]});
    // A pod that is gone gives its device to the next.
    if (i == 0) calls.Allocate(Kind::kReordered, {devices.healthy[i]});
  }
  if (devices.healthy.size() > 1) {
    const IdList two(devices.healthy.begin(), devices.healthy.begin() + 2);
    calls.Allocate(Kind::kHealthy, two);
    calls.Allocate(Kind::kReordered, Reversed(two));
  }
  calls.Allocate(Kind::kUnknown, {kUnknownId});
  if (!devices.unhealthy.empty()) calls.Allocate(Kind::kUnhealthy, {devices.unhealthy.front()});
}

void PreferAll(Calls& calls, const Sorted& devices) {
  using Kind = PreferredCall::Kind;
  IdList available = devices.healthy;
  if (available.size() < 2) return;
  available.resize(std::min(available.size(), kDevicesOffered));
  const IdList last = {available.back()};
  calls.Prefer(Kind::kPossible, available, {}, 1);
  calls.Prefer(Kind::kReordered, Reversed(available), {}, 1);
  calls.Prefer(Kind::kPossible, available, last, 2);
  calls.Prefer(Kind::kReordered, Reversed(available), last, 2);
  calls.Prefer(Kind::kPossible, available, {}, available.size());
  calls.Prefer(Kind::kImpossible, available, {}, available.size() + 1);
}

}  // namespace

void MakeCalls(const std::string& resource, const DeviceList& devices, const Options& options,
               const CallChoice& choice, const CallContext& context, Observation* observation) {
  Calls calls(resource, context, observation);
  const Sorted sorted = Sort(devices);
  if (choice.preferred && options.preferred_allocation_available) PreferAll(calls, sorted);
  if (choice.allocate) AllocateAll(calls, sorted);
  if (choice.pre_start && options.pre_start_required && !sorted.healthy.empty()) {
    calls.Allocate(AllocateCall::Kind::kHealthy, {sorted.healthy.front()});
    calls.PreStart({sorted.healthy.front()});
  }
}

}  // namespace nodedevice::devicemanager::conformance
