#include "tests/cluster/stories/parity.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "lib/base/file.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

std::string Text(const KubeletView::ByResource& held) {
  std::vector<std::string> parts;
  for (const auto& [resource, ids] : held) {
    parts.push_back(absl::StrCat(resource, "=[", absl::StrJoin(ids, " "), "]"));
  }
  return absl::StrJoin(parts, " ");
}

}  // namespace

Play::~Play() {
  for (const std::string& pod : pods_) subject_.Delete(pod);
}

std::string Play::Resource(const std::string& name) const {
  return absl::StrCat("example.com/", scenario_, ".", name);
}

std::vector<std::string> Play::Ids(const std::vector<std::string>& devices) const {
  std::vector<std::string> ids;
  for (const std::string& device : devices) ids.push_back(absl::StrCat(scenario_, "-", device));
  return ids;
}

FakePlugin& Play::Plugin(const std::string& name, const std::vector<std::string>& devices,
                         PluginScript script) {
  return Serve(subject_.paths().device_plugins() / absl::StrCat(scenario_, "-", name, ".sock"),
               devices, std::move(script));
}

FakePlugin& Play::RegistryPlugin(const std::string& file, const std::vector<std::string>& devices,
                                 PluginScript script) {
  return Serve(subject_.paths().plugins_registry() / file, devices, std::move(script));
}

FakePlugin& Play::Serve(const std::filesystem::path& socket,
                        const std::vector<std::string>& devices, PluginScript script) {
  for (const std::string& id : Ids(devices)) subject_.ProvideDevice(id);
  for (std::string& id : script.preferred) id = absl::StrCat(scenario_, "-", id);
  return plugins_.emplace_back(socket, Ids(devices), std::move(script));
}

void Play::Register(FakePlugin& plugin, const std::string& resource) {
  const grpc::Status status = plugin.Register(resource);
  Write(absl::StrCat("register ", resource, ": ",
                     status.ok() ? "ok" : std::string(status.error_message()), ", code ",
                     status.error_code()));
}

void Play::RegisterRaw(const v1beta1::RegisterRequest& request) {
  const grpc::Status status = CallRegister(subject_.paths().registration_socket(), request);
  Write(absl::StrCat("register '", request.resource_name(),
                     "': ", status.ok() ? "ok" : std::string(status.error_message()), ", code ",
                     status.error_code()));
}

void Play::Shows(const std::string& resource, Node::Counts wanted) {
  Node::Counts seen;
  WaitFor(
      [&] {
        seen = subject_.Shows(resource);
        return seen == wanted;
      },
      Node::kStatusPace);
  Write(absl::StrCat("node shows ", resource, ": ", seen.capacity, "/", seen.allocatable));
}

void Play::Streams(FakePlugin& plugin, int open, int cancelled) {
  WaitFor([&] { return plugin.open_streams() == open && plugin.cancelled_streams() == cancelled; },
          std::chrono::milliseconds(5), std::chrono::seconds(15));
  Write(absl::StrCat("streams: ", plugin.open_streams(), " open, ", plugin.cancelled_streams(),
                     " cancelled"));
}

void Play::Told(const FakePlugin& plugin, int times) {
  const FakeRegistration& registration = plugin.registration();
  WaitFor([&] { return registration.times_told() >= times; });
  if (registration.times_told() == 0) return Write("told nothing");
  const auto told = registration.last_told();
  // The folder is another one on each; the name of the socket is not.
  std::string error = told.error();
  if (const std::size_t path = error.find(" /"); path != std::string::npos) {
    error.erase(path + 1, error.rfind('/') - path);
  }
  Write(absl::StrCat("told: ", told.plugin_registered() ? "registered" : "not registered", ": ",
                     error));
}

void Play::Gone(FakePlugin& plugin) {
  plugins_.remove_if([&](const FakePlugin& one) { return &one == &plugin; });
  Write("the plugin is gone");
}

Json Play::Manifest(const std::string& pod, const Json& spec) const {
  Json manifest = {{"apiVersion", "v1"},
                   {"kind", "Pod"},
                   {"metadata", {{"name", absl::StrCat(scenario_, "-", pod)}}},
                   {"spec", spec}};
  manifest["spec"]["restartPolicy"] = "Always";
  manifest["spec"]["terminationGracePeriodSeconds"] = 0;
  manifest["spec"]["automountServiceAccountToken"] = false;
  return manifest;
}

void Play::Admit(const std::string& pod, const std::map<std::string, int>& limits) {
  AdmitSpec(pod, {{"containers", {ContainerSpec("main", limits)}}});
}

void Play::AdmitSpec(const std::string& pod, const Json& spec) {
  const Json manifest = Manifest(pod, spec);
  const std::string name = manifest["metadata"]["name"];
  pods_.push_back(name);
  std::vector<std::string> lines = subject_.Admit(manifest);
  std::sort(lines.begin(), lines.end());  // the API server lists containers by name
  const std::string uid = subject_.UidOf(name);
  for (const std::string& line : lines) {
    Write(absl::StrCat("pod ", pod, " ",
                       uid.empty() ? line : absl::StrReplaceAll(line, {{uid, "<uid>"}})));
  }
}

void Play::Delete(const std::string& pod) {
  subject_.Delete(absl::StrCat(scenario_, "-", pod));
  Write(absl::StrCat("deleted ", pod));
}

void Play::Restart() {
  subject_.Restart();
  Write("restarted");
}

void Play::Holds(const std::string& pod) {
  Write(absl::StrCat("pod ", pod, " holds ", Text(View().HeldBy(scenario_ + "-" + pod))));
}

void Play::PodResources(const std::string& pod) {
  for (const std::string& line :
       View().Describe(scenario_ + "-" + pod, "example.com/" + scenario_)) {
    Write(absl::StrCat("podresources: ", line));
  }
}

absl::StatusOr<devicemanager::Checkpoint> Play::ReadCheckpoint() const {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadFile(subject_.paths().checkpoint(), devicemanager::kCheckpointMaxBytes));
  // Our reader verifies the checksum that the other one has written.
  return devicemanager::DecodeCheckpoint(text);
}

void Play::Checkpoint() {
  // It is written after the state has changed, so it may be a moment behind.
  absl::StatusOr<devicemanager::Checkpoint> checkpoint;
  WaitFor(
      [&] {
        KubeletView::ByResource healthy = View().Healthy();
        checkpoint = ReadCheckpoint();
        if (!checkpoint.ok()) return false;
        for (const auto& [resource, ids] : checkpoint->registered) {
          if (KubeletView::Ids(ids.begin(), ids.end()) != healthy[resource]) return false;
          healthy.erase(resource);
        }
        return healthy.empty();
      },
      kKubeletPace, std::chrono::seconds(15));
  if (!checkpoint.ok()) {
    return Write(absl::StrCat("checkpoint: ", std::string(checkpoint.status().message())));
  }
  std::map<std::string, std::string> names;
  for (const std::string& pod : pods_) names[subject_.UidOf(pod)] = pod;
  std::vector<std::string> lines;
  for (const auto& [uid, containers] : checkpoint->pod_devices.pods()) {
    for (const auto& [container, resources] : containers) {
      for (const auto& [resource, held] : resources) {
        if (!resource.starts_with("example.com/" + scenario_ + ".")) continue;
        std::vector<std::string> nodes;
        for (const auto& [node, ids] : held.by_node) {
          std::vector<std::string> sorted = ids;
          std::sort(sorted.begin(), sorted.end());
          nodes.push_back(absl::StrCat(node, ":", absl::StrJoin(sorted, " ")));
        }
        v1beta1::ContainerAllocateResponse answer;
        const bool readable = answer.ParseFromString(held.response.value_or(""));
        lines.push_back(absl::StrCat("checkpoint: ", names[uid], " ", container, " ", resource,
                                     " {", absl::StrJoin(nodes, ", "), "} ",
                                     readable ? answer.ShortDebugString() : "unreadable"));
      }
    }
  }
  for (const auto& [resource, ids] : checkpoint->registered) {
    if (!resource.starts_with("example.com/" + scenario_ + ".")) continue;
    std::vector<std::string> sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    lines.push_back(absl::StrCat("checkpoint: ", resource, " = ", absl::StrJoin(sorted, " ")));
  }
  std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) Write(line);
}

void Play::Calls(const FakePlugin& plugin) {
  Write(absl::StrCat("options asked ", plugin.options_asked(), " times"));
  for (const auto& asked : plugin.preferences()) {
    Write(absl::StrCat("preferred: ", asked.size, " of [", absl::StrJoin(asked.available, " "),
                       "] with [", absl::StrJoin(asked.must_include, " "), "]"));
  }
  for (const auto& ids : plugin.allocations()) {
    Write(absl::StrCat("allocate [", absl::StrJoin(ids, " "), "]"));
  }
  for (const auto& ids : plugin.pre_starts()) {
    Write(absl::StrCat("pre-start [", absl::StrJoin(ids, " "), "]"));
  }
}

}  // namespace nodedevice::testing
