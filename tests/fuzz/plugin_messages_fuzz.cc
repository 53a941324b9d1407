// Whatever a device plugin can send, read by what reads it in the Device Manager and in
// `device-manager conformance`: the same bytes as each of the messages.
#include <algorithm>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "devicemanager/admission.h"
#include "devicemanager/allocation.h"
#include "devicemanager/checkpoint.h"
#include "devicemanager/conformance/report.h"
#include "devicemanager/conformance/rule.h"
#include "devicemanager/conformance/wire.h"
#include "devicemanager/merge.h"
#include "devicemanager/model.h"
#include "devicemanager/plugin_client.h"
#include "devicemanager/plugin_registry.h"
#include "devicemanager/register_request.h"
#include "devicemanager/rpc_error.h"
#include "devicemanager/topology.h"
#include "google/protobuf/stubs/logging.h"
#include "lib/base/utf8.h"
#include "lib/kubelet/resource_name.h"
#include "proto/pluginregistration.pb.h"
#include "tests/fuzz/fuzz_target.h"

namespace nodedevice::devicemanager {
namespace {

using fuzz::Require;

constexpr char kThing[] = "example.com/thing";
// Reports are long, and write a judgement as they write the next.
constexpr std::size_t kInAReport = 8;
constexpr char kOther[] = "example.com/other";
const NumaNodes kMachine = {0, 1, 63};
const std::filesystem::path kFolder = "/var/lib/kubelet/device-plugins";

// The messages that the bytes are, each empty when they are none such.
struct Messages {
  explicit Messages(const std::string& bytes) {
    const google::protobuf::LogSilencer silent;
    // Half a message is none: gRPC hands none over.
    if (!list.ParseFromString(bytes)) list.Clear();
    if (!allocated.ParseFromString(bytes)) allocated.Clear();
    if (!preferred.ParseFromString(bytes)) preferred.Clear();
    if (!options.ParseFromString(bytes)) options.Clear();
    if (!info.ParseFromString(bytes)) info.Clear();
    if (!registration.ParseFromString(bytes)) registration.Clear();
  }

  v1beta1::ListAndWatchResponse list;
  v1beta1::AllocateResponse allocated;
  v1beta1::PreferredAllocationResponse preferred;
  v1beta1::DevicePluginOptions options;
  pluginregistration::PluginInfo info;
  v1beta1::RegisterRequest registration;
};

void RequireReason(const absl::Status& status) {
  Require(status.ok() || !status.message().empty(), "an error says why");
}

void Registered(const Messages& messages) {
  const v1beta1::RegisterRequest& request = messages.registration;
  const absl::Status status = CheckRegisterRequest(request);
  RequireReason(status);
  if (status.ok()) {
    Require(request.version() == "v1beta1", "only v1beta1 is registered");
    Require(ValidateExtendedResourceName(request.resource_name()).ok(),
            "only extended resources are registered");
  }
  Require(EndpointPath(kFolder, request.endpoint()).is_absolute(), "an endpoint has one place");

  const pluginregistration::PluginInfo& info = messages.info;
  const absl::Status valid = ValidateRegistryPlugin(
      info.type(), info.name(),
      {info.supported_versions().begin(), info.supported_versions().end()}, kFolder);
  RequireReason(valid);
  if (valid.ok()) {
    Require(info.type() == "DevicePlugin" && ValidateExtendedResourceName(info.name()).ok(),
            "only device plugins of extended resources are registered");
  }
}

// What the Device Manager decides with the list, for so many devices.
void Allocate(const Model& model, const DeviceIds& preferred, const AllocationRequest& request) {
  const DeviceIds healthy = model.Healthy(kThing);
  const absl::StatusOr<AllocationDecision> decision = DecideAllocation(request);
  RequireReason(decision.status());
  if (!decision.ok()) return;
  DeviceIds devices;
  if (const auto* ask = std::get_if<AskPlugin>(&*decision)) {
    Require(
        std::includes(healthy.begin(), healthy.end(), ask->available.begin(), ask->available.end()),
        "only healthy devices are offered");
    const absl::StatusOr<TakeDevices> taken = Complete(*ask, preferred);
    RequireReason(taken.status());
    if (!taken.ok()) return;
    devices = taken->devices;
  } else if (const auto* take = std::get_if<TakeDevices>(&*decision)) {
    devices = take->devices;
  } else {
    return;
  }
  Require(static_cast<int>(devices.size()) == request.required, "a container gets what it asked");
  Require(std::includes(healthy.begin(), healthy.end(), devices.begin(), devices.end()),
          "only healthy devices are given out");
}

void Locate(const Model& model, int required) {
  const ResourceHints hints = MakeHints({.required = required,
                                         .devices = model.NumaNodesOf(kThing),
                                         .available = model.Healthy(kThing),
                                         .reusable = {},
                                         .held = {},
                                         .machine = kMachine});
  for (const TopologyPolicy policy : {TopologyPolicy::kBestEffort, TopologyPolicy::kRestricted,
                                      TopologyPolicy::kSingleNumaNode}) {
    const Affinity affinity =
        MergeHints({.policy = policy, .scope = TopologyScope::kContainer, .nodes = kMachine},
                   {hints, std::nullopt});
    Require(!affinity.nodes || (*affinity.nodes & NumaMask(kMachine)) == *affinity.nodes,
            "devices come from nodes that the machine has");
  }
}

void Listed(const Messages& messages) {
  const std::vector<Device> devices = DevicesOf(messages.list);
  Model model;
  model.ConnectStarted(kThing, 1);
  model.Connected(kThing, 1, OptionsOf(messages.options));
  model.ListReceived(kThing, devices);
  const Model::Counts counts = model.Resources().at(kThing);
  const DeviceIds healthy = model.Healthy(kThing);
  Require(counts.allocatable == static_cast<int>(healthy.size()), "healthy ones are allocatable");
  // An id that is listed as both is both.
  Require(
      counts.allocatable <= counts.capacity && counts.capacity <= static_cast<int>(devices.size()),
      "there are no more than were listed");
  for (const Device& device : devices) {
    Require(model.FindDevice(kThing, device.id) != nullptr, "what was listed is found");
  }

  const DeviceIds preferred = PreferredOf(messages.preferred);
  const int all = static_cast<int>(healthy.size());
  for (const int required : {1, all / 2 + 1, all, all + 1}) {
    AllocationRequest request{.pod_uid = "u",
                              .container = "c",
                              .resource = kThing,
                              .required = required,
                              .registered = true,
                              .prefers = true,
                              .held = std::nullopt,
                              .healthy = healthy,
                              .in_use = {},
                              .reusable = {},
                              .affinity = std::nullopt,
                              .numa_nodes = model.NumaNodesOf(kThing)};
    Allocate(model, preferred, request);
    request.affinity = NumaMask({0, 63});
    Allocate(model, preferred, request);
    request.prefers = false;
    Allocate(model, preferred, request);
    Locate(model, required);
  }

  // What is recorded of it is read again by the next Device Manager.
  v1beta1::ContainerAllocateResponse answer;
  if (!messages.allocated.container_responses().empty()) {
    answer = messages.allocated.container_responses(0);
  }
  Checkpoint checkpoint;
  checkpoint.registered[kThing].assign(healthy.begin(), healthy.end());
  if (!healthy.empty()) {
    checkpoint.pod_devices.Insert("u", "c", kThing, MakeHeld(model, kThing, healthy, answer));
    Require(checkpoint.pod_devices.InUse(kThing) == healthy, "what is held is in use");
  }
  const auto again = DecodeCheckpoint(EncodeCheckpoint(checkpoint));
  Require(again.ok() && *again == checkpoint, "a checkpoint says what is so");
}

void Merged(const Messages& messages) {
  std::map<std::string, v1beta1::ContainerAllocateResponse> by_resource;
  for (const auto& response : messages.allocated.container_responses()) {
    by_resource[by_resource.empty() ? kOther : kThing] = response;
  }
  const ContainerSpec spec = Merge(by_resource);
  Require(!ToJson(spec).dump().empty(), "what a container is given can be printed");
  for (const auto& [resource, response] : by_resource) {
    for (const auto& [name, value] : response.envs()) {
      Require(spec.envs.contains(name), "no variable is lost");
    }
    for (const auto& device : response.devices()) {
      Require(spec.devices.contains(device.container_path()), "no device node is lost");
    }
  }
}

conformance::Observation Observed(const Messages& messages, const std::string& bytes) {
  using namespace conformance;
  const Outcome refused{.kind = Outcome::Kind::kRefused,
                        .error = GoErrorText({grpc::StatusCode::UNKNOWN, bytes})};
  Observation seen;
  Registration call = RegistrationOf(messages.registration);
  seen.registrations.push_back(call);
  call.dialled = call.asked = refused;
  call.options = conformance::OptionsOf(messages.options);
  seen.registrations.push_back(call);

  const DeviceList list = conformance::DevicesOf(messages.list);
  seen.streams = {{.resource = call.resource, .lists = {list, list, list}},
                  {.resource = kOther, .lists = {list}}};
  std::vector<std::string> ids;
  for (const ListedDevice& device : list) ids.push_back(device.id);

  for (const AllocateCall::Kind kind :
       {AllocateCall::Kind::kHealthy, AllocateCall::Kind::kReordered, AllocateCall::Kind::kUnknown,
        AllocateCall::Kind::kUnhealthy}) {
    AllocateCall allocate;
    allocate.kind = kind;
    allocate.resource = call.resource;
    allocate.ids = ids;
    allocate.response = messages.allocated;
    seen.allocations.push_back(allocate);
    allocate.outcome = refused;
    seen.allocations.push_back(allocate);
  }
  for (const PreferredCall::Kind kind :
       {PreferredCall::Kind::kPossible, PreferredCall::Kind::kReordered,
        PreferredCall::Kind::kImpossible}) {
    PreferredCall prefer;
    prefer.kind = kind;
    prefer.resource = call.resource;
    prefer.available = ids;
    prefer.must_include.assign(ids.begin(),
                               ids.begin() + std::min<std::ptrdiff_t>(1, std::ssize(ids)));
    prefer.size = static_cast<int>(ids.size());
    prefer.ids = conformance::PreferredOf(messages.preferred);
    seen.preferences.push_back(prefer);
    prefer.outcome = refused;
    seen.preferences.push_back(prefer);
  }
  return seen;
}

// The characters that no XML document may hold. Others of them are not UTF-8 at all.
bool HasNonCharacter(const std::string& text) {
  return text.find("\xEF\xBF\xBE") != std::string::npos ||
         text.find("\xEF\xBF\xBF") != std::string::npos;
}

bool IsLine(const std::string& text) {
  return FindInvalidUtf8(text) == std::string::npos &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

void Judged(const Messages& messages, const std::string& bytes) {
  using namespace conformance;
  Report report{.command = {"plugin", bytes}, .log = "/tmp/plugin.log", .log_end = bytes};
  report.resources[messages.registration.resource_name()] = 1;
  // What is said of a plugin of which nothing was seen is the same in every report.
  static const std::vector<Finding> of_nothing = Judge({});
  std::vector<Finding> findings = Judge(Observed(messages, bytes));
  Require(findings.size() == of_nothing.size(), "every rule judges");
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const std::string& seen = findings[i].judgement.seen;
    if (seen == of_nothing[i].judgement.seen) continue;
    const std::string rule(findings[i].rule->name);
    Require(!seen.empty(), (rule + " says what was seen").c_str());
    Require(IsLine(seen), (rule + " says it in a line").c_str());
    if (report.findings.size() < kInAReport) report.findings.push_back(std::move(findings[i]));
  }
  Require(FindInvalidUtf8(TextReport(report)) == std::string::npos, "people can read it");
  const std::string xml = JUnitReport(report);
  Require(FindInvalidUtf8(xml) == std::string::npos && !HasNonCharacter(xml),
          "XML holds characters only");
  Require(!JsonReport(report)
               .dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
               .empty(),
          "and programs can");
}

}  // namespace
}  // namespace nodedevice::devicemanager

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodedevice::devicemanager;
  const std::string bytes(nodedevice::fuzz::TextOf(data, size));
  const Messages messages(bytes);
  Registered(messages);
  Listed(messages);
  Merged(messages);
  Judged(messages, bytes);
  return 0;
}
