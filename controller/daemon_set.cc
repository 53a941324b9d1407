#include "controller/daemon_set.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/agent_ports.h"
#include "controller/drift.h"
#include "controller/host_mounts.h"
#include "controller/ownership.h"
#include "controller/tolerations.h"
#include "lib/kube/bounded_name.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxName = 63;

// The elements of a list that are not called so.
void RemoveNamed(Json& list, const std::string& name) {
  Json kept = Json::array();
  for (Json& element : list) {
    if (TextAt(element, "/name") != name) kept.push_back(std::move(element));
  }
  list = std::move(kept);
}

void SetMounts(const HostMounts& mounts, Json& pod, Json& container) {
  for (const auto& [name, wanted] : {std::pair("dev", mounts.dev), std::pair("sys", mounts.sys)}) {
    if (wanted) continue;
    RemoveNamed(pod["volumes"], name);
    RemoveNamed(container["volumeMounts"], name);
  }
  int count = 0;
  for (const HostMount& mount : mounts.folders) {
    const std::string name = absl::StrCat("host-", count++);
    pod["volumes"].push_back({{"name", name},
                              {"hostPath",
                               {{"path", mount.host_path},
                                {"type", mount.create ? "DirectoryOrCreate" : "Directory"}}}});
    container["volumeMounts"].push_back({{"name", name},
                                         {"mountPath", mount.mount_path},
                                         {"readOnly", true},
                                         {"mountPropagation", "HostToContainer"}});
  }
}

void SetPort(std::uint16_t port, Json& container) {
  container["args"].push_back("--listen");
  container["args"].push_back(absl::StrCat("127.0.0.1:", port));
  for (const char* probe : {"livenessProbe", "readinessProbe"}) {
    container[probe]["httpGet"]["port"] = port;
  }
}

void SetConfig(const std::string& config, Json& args) {
  for (std::size_t i = 0; i + 1 < args.size(); ++i) {
    if (args[i] == "--config-name") args[i + 1] = config;
  }
}

}  // namespace

std::string DaemonSetName(const std::string& config) {
  return BoundedName(absl::StrCat("node-device-agent-", config), kMaxName);
}

Json RenderDaemonSet(const DaemonSetSpec& spec, const Settings& settings) {
  const DevicePluginConfig& config = spec.config;
  Json object = settings.daemon_set;
  Json& metadata = object["metadata"];
  metadata["name"] = DaemonSetName(config.name);
  metadata["namespace"] = settings.name_space;
  metadata["labels"][kConfigLabel] = config.name;
  metadata["labels"][kManagedByLabel] = kManagedBy;
  metadata["annotations"][kPortAnnotation] = absl::StrCat(spec.port);
  metadata["ownerReferences"] = OwnedBy(config.name, spec.config_uid);
  object["spec"]["selector"]["matchLabels"][kConfigLabel] = config.name;
  Json& pod_template = object["spec"]["template"];
  pod_template["metadata"]["labels"][kConfigLabel] = config.name;
  if (spec.has_scc) {
    pod_template["metadata"]["annotations"]["openshift.io/required-scc"] = "privileged";
  }
  Json& pod = pod_template["spec"];
  pod["affinity"] = spec.affinity;
  pod["tolerations"] = AgentTolerations(config.tolerations);
  Json& container = pod["containers"][0];
  container["image"] = settings.image;
  SetConfig(config.name, container["args"]);
  SetPort(spec.port, container);
  SetMounts(MountsFor(config.plugins), pod, container);
  metadata["annotations"][kRenderedKey] = Fingerprint(object);
  return object;
}

}  // namespace nodedevice
