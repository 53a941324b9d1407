#include "controller/daemon_set.h"

#include <utility>
#include <vector>

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
  for (Json& mount : container["volumeMounts"]) {
    const std::string name = TextAt(mount, "/name");
    if ((mounts.dev_writable && name == "dev") || (mounts.sys_writable && name == "sys")) {
      mount.erase("readOnly");
    }
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
                                         {"readOnly", !mount.writable},
                                         {"mountPropagation", "HostToContainer"}});
  }
}

void AddArguments(const std::vector<std::string>& arguments, Json& container) {
  for (const std::string& argument : arguments) container["args"].push_back(argument);
}

void SetPort(std::uint16_t port, bool tls, Json& container) {
  AddArguments({"--listen", absl::StrCat(tls ? "[::]:" : "127.0.0.1:", port)}, container);
  for (const char* probe : {"livenessProbe", "readinessProbe"}) {
    container[probe]["httpGet"]["port"] = port;
    if (tls) container[probe]["httpGet"]["scheme"] = "HTTPS";
  }
  // By its name a Service finds the port of every configuration's agents.
  if (tls) container["ports"] = {{{"name", "metrics"}, {"containerPort", port}}};
}

void SetTls(const std::string& secret, Json& pod, Json& container) {
  constexpr char kFolder[] = "/etc/node-device/tls";
  AddArguments({"--tls-cert", absl::StrCat(kFolder, "/tls.crt"), "--tls-key",
                absl::StrCat(kFolder, "/tls.key")},
               container);
  // The folder, so that a renewed certificate comes through.
  pod["volumes"].push_back({{"name", "tls"}, {"secret", {{"secretName", secret}}}});
  container["volumeMounts"].push_back(
      {{"name", "tls"}, {"mountPath", kFolder}, {"readOnly", true}});
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
  SetPort(spec.port, !settings.agent_tls_secret.empty(), container);
  if (!settings.agent_tls_secret.empty()) SetTls(settings.agent_tls_secret, pod, container);
  SetMounts(MountsFor(config.plugins), pod, container);
  metadata["annotations"][kRenderedKey] = Fingerprint(object);
  return object;
}

}  // namespace nodedevice
