#include "devicemanager/admission.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "devicemanager/allocation.h"
#include "lib/base/log.h"

namespace nodedevice::devicemanager {
namespace {

// A random (version 4) UUID, as the API server gives to pods.
std::string NewUid() {
  std::random_device random;
  const auto word = [&random] { return static_cast<std::uint32_t>(random()); };
  const std::uint32_t b = word();
  const std::uint32_t c = word();
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%04x%08x", word(), b >> 16, b & 0xfff,
                         0x8000 | (c >> 16 & 0x3fff), c & 0xffff, word());
}

AllocationRequest MakeRequest(const State& state, const Pod& pod, const Container& container,
                              const std::string& resource, int required,
                              const ReusableDevices& reusable,
                              const std::optional<NumaMask>& affinity) {
  AllocationRequest request{.pod_uid = pod.uid,
                            .container = container.name,
                            .resource = resource,
                            .required = required,
                            .registered = state.model.IsRegistered(resource),
                            .prefers = false,
                            .held = std::nullopt,
                            .healthy = state.model.Healthy(resource),
                            .in_use = state.pod_devices.InUse(resource),
                            .reusable = {},
                            .affinity = affinity};
  if (affinity) request.numa_nodes = state.model.NumaNodesOf(resource);
  if (const Model::Endpoint* endpoint = state.model.FindEndpoint(resource)) {
    request.prefers = endpoint->options.preferred_allocation_available;
  }
  if (const HeldDevices* held = state.pod_devices.Find(pod.uid, container.name, resource)) {
    request.held = held->Ids();
  }
  const auto left = reusable.find(resource);
  if (left != reusable.end()) request.reusable = left->second;
  return request;
}

Reason Unexpected(const absl::Status& status) {
  return {"UnexpectedAdmissionError", absl::StrCat("Pod was rejected: Allocate failed due to ",
                                                   status.message(), ", which is unexpected")};
}

Reason NoLocality() {
  return {"TopologyAffinityError",
          "Pod was rejected: Resources cannot be allocated with Topology locality"};
}

// A rejected pod has failed and holds nothing of what was allocated before the rejection, also
// after a restart. A kubelet leaves that in its checkpoint until it writes the next one, because
// the API server knows that the pod has failed. Here the file is the only memory.
void FreeRejected(const Pod& pod, NodeState& node) {
  const bool held = node.Change([&](State& state) {
    state.pods.erase(pod.uid);
    return state.pod_devices.RemovePod(pod.uid);
  });
  if (!held) return;
  if (const absl::Status saved = node.SaveCheckpoint(); !saved.ok()) {
    spdlog::warn("{}; after a restart, what {}/{} was given first is held until a pod is admitted",
                 std::string(saved.message()), pod.namespace_name, pod.name);
  }
}

nlohmann::ordered_json ToJson(const AdmittedContainer& container) {
  nlohmann::ordered_json json = {{"name", container.name},
                                 {"kind", std::string(ToString(container.kind))},
                                 {"devices", container.devices}};
  if (container.numa_nodes) json["numaNodes"] = *container.numa_nodes;
  if (!container.ignored.empty()) json["ignored"] = container.ignored;
  if (container.waiting) {
    json["waiting"] = {{"reason", container.waiting->reason},
                       {"message", container.waiting->message}};
  } else {
    json["spec"] = ToJson(container.spec);
  }
  return json;
}

}  // namespace

HeldDevices MakeHeld(const Model& model, const std::string& resource, const DeviceIds& devices,
                     const v1beta1::ContainerAllocateResponse& response) {
  HeldDevices held;
  for (const std::string& id : devices) {
    const Device* device = model.FindDevice(resource, id);
    if (device == nullptr || device->numa_nodes.empty()) {
      held.by_node[kNoNumaNode].push_back(id);
      continue;
    }
    for (const std::int64_t node : device->numa_nodes) held.by_node[node].push_back(id);
  }
  held.response = response.SerializeAsString();
  return held;
}

bool Admission::running() const {
  return !rejection &&
         std::none_of(containers.begin(), containers.end(), [](const AdmittedContainer& container) {
           return container.waiting || !container.ignored.empty();
         });
}

nlohmann::ordered_json ToJson(const Admission& admission) {
  nlohmann::ordered_json json = {{"admitted", !admission.rejection},
                                 {"pod",
                                  {{"namespace", admission.pod.namespace_name},
                                   {"name", admission.pod.name},
                                   {"uid", admission.pod.uid}}}};
  if (admission.rejection) {
    json["reason"] = admission.rejection->reason;
    json["message"] = admission.rejection->message;
    return json;
  }
  json["containers"] = nlohmann::ordered_json::array();
  for (const AdmittedContainer& container : admission.containers) {
    json["containers"].push_back(ToJson(container));
  }
  return json;
}

absl::StatusOr<Admission> Admitter::Admit(Pod pod) {
  const std::lock_guard<std::mutex> allocating(allocating_);
  if (!open_) return absl::UnavailableError("the Device Manager is restarting; try again");
  RETURN_IF_ERROR(AssignUid(pod));

  Admission admission{.pod = pod, .rejection = std::nullopt, .containers = {}};
  Affinities affinities;
  const TimePoint start = Clock::now();
  admission.rejection = AllocatePod(pod, affinities);
  CountAdmission(Clock::now() - start, admission.rejection.has_value());
  if (admission.rejection) {
    spdlog::warn("pod {}/{} rejected: {}", pod.namespace_name, pod.name,
                 admission.rejection->message);
    FreeRejected(pod, state_);
    return admission;
  }
  state_.Change([&](State& state) { state.pods[pod.uid] = pod; });
  spdlog::info("pod {}/{} ({}) admitted", pod.namespace_name, pod.name, pod.uid);

  bool initializing = false;
  for (const Container& container : pod.containers) {
    AdmittedContainer started{.name = container.name,
                              .kind = container.kind,
                              .devices = {},
                              .numa_nodes = std::nullopt,
                              .ignored = {},
                              .spec = {},
                              .waiting = std::nullopt};
    state_.Read([&](const State& state) {
      for (const auto& [resource, held] : state.pod_devices.OfContainer(pod.uid, container.name)) {
        started.devices[resource] = held.Ids();
      }
    });
    for (const auto& [resource, required] : container.limits) {
      if (required > 0 && !IsKnown(resource)) started.ignored.push_back(resource);
    }
    if (const auto affinity = affinities.find(container.name); affinity != affinities.end()) {
      started.numa_nodes = affinity->second.Nodes();
    }
    if (initializing) {
      started.waiting = Reason{"PodInitializing", "an init container before it could not start"};
    } else if (absl::StatusOr<ContainerSpec> spec = StartContainer(pod, container); spec.ok()) {
      started.spec = *std::move(spec);
    } else {
      started.waiting = Reason{"CreateContainerConfigError", std::string(spec.status().message())};
      initializing = container.kind != ContainerKind::kApp;
    }
    admission.containers.push_back(std::move(started));
  }
  return admission;
}

void Admitter::CountAdmission(Duration took, bool rejected) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  state_.Change([&](State& state) {
    KubeletMetrics& metrics = state.metrics;
    ++metrics.admissions;
    if (rejected && topology_.policy != TopologyPolicy::kNone) ++metrics.admission_errors;
    metrics.admission_duration.Observe(static_cast<double>(milliseconds));
  });
}

absl::Status Admitter::AssignUid(Pod& pod) const {
  return state_.Read([&](const State& state) {
    for (const auto& [uid, known] : state.pods) {
      const bool same_name = known.name == pod.name && known.namespace_name == pod.namespace_name;
      if (same_name && pod.uid.empty()) pod.uid = uid;
      if (same_name != (uid == pod.uid)) {
        return absl::AlreadyExistsError(absl::StrCat("the pod ", known.namespace_name, "/",
                                                     known.name, " with uid ", uid,
                                                     " is here already; delete it first"));
      }
    }
    if (pod.uid.empty()) pod.uid = NewUid();
    return absl::OkStatus();
  });
}

void Admitter::FreeStranded(const Pod& admitted) {
  const std::vector<std::string> freed = state_.Change([&](State& state) {
    std::set<std::string> active = {admitted.uid};
    for (const auto& [uid, pod] : state.pods) active.insert(uid);
    return state.pod_devices.RemoveAllBut(active);
  });
  for (const std::string& uid : freed) {
    spdlog::info("pod {} is not here any more: what it held is free", uid);
  }
}

std::optional<Reason> Admitter::AllocatePod(const Pod& pod, Affinities& affinities) {
  ReusableDevices reusable;
  const bool of_pod = topology_.scope == TopologyScope::kPod;
  Affinity affinity;
  if (topology_.policy != TopologyPolicy::kNone) FreeStranded(pod);
  if (of_pod) {
    affinity = state_.Read([&](const State& state) { return AffinityOf(state, topology_, pod); });
    if (!affinity.admitted) return NoLocality();
  }
  for (const Container& container : pod.containers) {
    if (!of_pod) {
      affinity = state_.Read([&](const State& state) {
        return AffinityOf(state, topology_, pod, container, reusable);
      });
      if (!affinity.admitted) return NoLocality();
    }
    if (affinity.nodes) affinities[container.name] = *affinity.nodes;
    const absl::Status allocated = AllocateContainer(pod, container, reusable, affinity.nodes);
    if (!allocated.ok()) return Unexpected(allocated);
    const PodDevices::ByResource held = state_.Read(
        [&](const State& state) { return state.pod_devices.OfContainer(pod.uid, container.name); });
    if (container.kind == ContainerKind::kInit) {
      AddReusable(held, reusable);
    } else {
      RemoveReusable(held, reusable);
    }
  }
  return std::nullopt;
}

absl::Status Admitter::AllocateContainer(const Pod& pod, const Container& container,
                                         const ReusableDevices& reusable,
                                         const std::optional<NumaMask>& affinity) {
  bool freed = false;
  for (const auto& [resource, required] : container.limits) {
    // In this order: a resource that only a stranded pod holds is known until it is freed.
    if (!IsKnown(resource)) continue;
    if (!std::exchange(freed, true)) FreeStranded(pod);
    AllocationRequest request =
        state_.Read([&, &name = resource, count = required](const State& state) {
          return MakeRequest(state, pod, container, name, count, reusable, affinity);
        });
    if (seeds_) request.seed = (*seeds_)();
    RETURN_IF_ERROR(AllocateResource(request));
  }
  return absl::OkStatus();
}

bool Admitter::IsKnown(const std::string& resource) const {
  return state_.Read([&](const State& state) { return IsDevicePluginResource(state, resource); });
}

absl::Status Admitter::AllocateResource(const AllocationRequest& request) {
  ASSIGN_OR_RETURN(AllocationDecision decision, DecideAllocation(request));
  if (std::holds_alternative<NothingNeeded>(decision)) return absl::OkStatus();
  if (const auto* ask = std::get_if<AskPlugin>(&decision)) {
    ASSIGN_OR_RETURN(const DeviceIds preferred, AskPreferred(request.resource, *ask));
    ASSIGN_OR_RETURN(TakeDevices taken, Complete(*ask, preferred));
    return CallAllocate(request, taken.devices);
  }
  return CallAllocate(request, std::get<TakeDevices>(decision).devices);
}

absl::StatusOr<DeviceIds> Admitter::AskPreferred(const std::string& resource,
                                                 const AskPlugin& offer) {
  state_.SitOut(Rpc::kGetPreferred);
  const std::shared_ptr<PluginClient> plugin = plugins_.Find(resource);
  absl::StatusOr<DeviceIds> preferred =
      plugin ? plugin->GetPreferred(offer)
             : absl::UnavailableError(absl::StrCat("endpoint ", resource, " has been stopped"));
  if (!preferred.ok()) {
    return Annotate(preferred.status(), "device plugin GetPreferredAllocation rpc failed with err");
  }
  return preferred;
}

absl::Status Admitter::CallAllocate(const AllocationRequest& request, const DeviceIds& devices) {
  const std::string& resource = request.resource;
  const bool known = state_.Read(
      [&](const State& state) { return state.model.FindEndpoint(resource) != nullptr; });
  if (!known) return absl::NotFoundError(absl::StrCat("unknown Device Plugin ", resource));
  const TimePoint start = Clock::now();
  state_.SitOut(Rpc::kAllocate);
  const std::shared_ptr<PluginClient> plugin = plugins_.Find(resource);
  const absl::StatusOr<v1beta1::AllocateResponse> answer =
      plugin ? plugin->Allocate(devices)
             : absl::UnavailableError(absl::StrCat("endpoint ", resource, " has been stopped"));
  const std::chrono::duration<double> seconds = Clock::now() - start;
  state_.Change(
      [&](State& state) { state.metrics.allocations[resource].Observe(seconds.count()); });
  ASSIGN_OR_RETURN(const v1beta1::AllocateResponse response, answer);
  if (response.container_responses().empty()) {
    // The kubelet prints the response behind it, and an empty message prints as nothing.
    return absl::InternalError("no containers return in allocation response ");
  }
  state_.Change([&](State& state) {
    state.pod_devices.Insert(
        request.pod_uid, request.container, resource,
        MakeHeld(state.model, resource, devices, response.container_responses(0)));
  });
  return state_.SaveCheckpoint();
}

absl::StatusOr<ContainerSpec> Admitter::StartContainer(const Pod& pod, const Container& container) {
  for (const auto& [resource, required] : container.limits) {
    if (required > 0 && IsKnown(resource)) {
      RETURN_IF_ERROR(PreStart(pod, container, resource));
    }
  }
  std::map<std::string, v1beta1::ContainerAllocateResponse> answers;
  const PodDevices::ByResource held = state_.Read(
      [&](const State& state) { return state.pod_devices.OfContainer(pod.uid, container.name); });
  for (const auto& [resource, devices] : held) {
    if (!answers[resource].ParseFromString(devices.response.value_or(""))) {
      return absl::DataLossError(
          absl::StrCat("the recorded answer of the plugin of ", resource, " cannot be read"));
    }
  }
  ContainerSpec spec = Merge(answers);
  for (const std::string& conflict : spec.conflicts) {
    spdlog::warn("pod {}/{} container {}: {}", pod.namespace_name, pod.name, container.name,
                 conflict);
  }
  return spec;
}

absl::Status Admitter::PreStart(const Pod& pod, const Container& container,
                                const std::string& resource) {
  bool known = false;
  bool required = false;
  DeviceIds devices;
  state_.Read([&](const State& state) {
    if (const Model::Endpoint* endpoint = state.model.FindEndpoint(resource)) {
      known = true;
      required = endpoint->options.pre_start_required;
    }
    if (const HeldDevices* held = state.pod_devices.Find(pod.uid, container.name, resource)) {
      devices = held->Ids();
    }
  });
  if (!known) {
    return absl::NotFoundError(
        absl::StrCat("endpoint not found in cache for a registered resource: ", resource));
  }
  if (!required) return absl::OkStatus();
  if (devices.empty()) {
    return absl::NotFoundError(absl::StrCat("no devices found allocated in local cache for pod ",
                                            pod.uid, ", container ", container.name, ", resource ",
                                            resource));
  }
  state_.SitOut(Rpc::kPreStart);
  const std::shared_ptr<PluginClient> plugin = plugins_.Find(resource);
  const absl::Status result =
      plugin ? plugin->PreStart(devices, pre_start_timeout_)
             : absl::UnavailableError(absl::StrCat("endpoint ", resource, " has been stopped"));
  return Annotate(result, "device plugin PreStartContainer rpc failed with err");
}

absl::Status Admitter::Delete(const std::string& namespace_name, const std::string& pod) {
  const bool found = state_.Change([&](State& state) {
    for (auto known = state.pods.begin(); known != state.pods.end(); ++known) {
      const bool named =
          known->second.name == pod && known->second.namespace_name == namespace_name;
      if (!named && known->first != pod) continue;
      state.pod_devices.RemovePod(known->first);
      state.pods.erase(known);
      return true;
    }
    // Known from the checkpoint of an earlier run only, which has no names.
    return state.pod_devices.RemovePod(pod);
  });
  if (!found) {
    return absl::NotFoundError(absl::StrCat("there is no pod ", namespace_name, "/", pod));
  }
  spdlog::info("pod {}/{} deleted", namespace_name, pod);
  // A kubelet leaves the entry until it writes next, because the API server knows which pods live.
  // Here the file is the only memory.
  return state_.SaveCheckpoint();
}

void Admitter::SetOpen(bool open) {
  const std::lock_guard<std::mutex> allocating(allocating_);
  open_ = open;
}

}  // namespace nodedevice::devicemanager
