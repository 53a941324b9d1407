#include "controller/api_writes.h"

#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "lib/kube/api_error.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr char kStatusManager[] = "node-device-controller-status";

struct Resource {
  std::string_view kind;
  std::string_view collection;  // before "/namespaces/NAMESPACE"
  std::string_view plural;
};
constexpr std::array<Resource, 6> kResources = {{
    {"DaemonSet", "/apis/apps/v1", "daemonsets"},
    {"DevicePluginConfig", "/apis/nodedevices.io/v1alpha1", "devicepluginconfigs"},
    {"NodeDeviceState", "/apis/nodedevices.io/v1alpha1", "nodedevicestates"},
    {"KubeletConfig", "/apis/machineconfiguration.openshift.io/v1", "kubeletconfigs"},
    {"MachineConfig", "/apis/machineconfiguration.openshift.io/v1", "machineconfigs"},
    {"MachineConfigPool", "/apis/machineconfiguration.openshift.io/v1", "machineconfigpools"},
}};

const Resource* Find(std::string_view kind) {
  for (const Resource& resource : kResources) {
    if (resource.kind == kind) return &resource;
  }
  return nullptr;
}

absl::StatusOr<std::string> PathOf(const std::string& kind, const std::string& name_space,
                                   const std::string& name) {
  const Resource* resource = Find(kind);
  if (resource == nullptr) {
    return absl::InternalError(absl::StrCat("no path is known for the kind ", kind));
  }
  return absl::StrCat(std::string(resource->collection),
                      name_space.empty() ? "" : "/namespaces/" + name_space, "/",
                      std::string(resource->plural), "/", name);
}

absl::StatusOr<std::string> PathOf(const Json& object) {
  return PathOf(TextAt(object, "/kind"), TextAt(object, "/metadata/namespace"),
                TextAt(object, "/metadata/name"));
}

absl::Status Do(const Removal& removal, ApiClient& client) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(removal.kind, removal.name_space, removal.name));
  const Json options = {{"apiVersion", "v1"},
                        {"kind", "DeleteOptions"},
                        {"propagationPolicy", "Background"},
                        {"preconditions", {{"uid", removal.uid}}}};
  const absl::Status status = client.Delete(path, options).status();
  const std::optional<ApiError> error = ApiErrorOf(status);
  const bool is_another = error && error->http_status == 409 && error->reason == "Conflict";
  return absl::IsNotFound(status) || is_another ? absl::OkStatus() : status;
}

absl::Status Do(const Apply& apply, ApiClient& client) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(apply.object));
  if (apply.dry_run_first) {
    RETURN_IF_ERROR(
        client.Apply(path + "?dryRun=All", apply.object, apply.field_manager, apply.force)
            .status());
  }
  return client.Apply(path, apply.object, apply.field_manager, apply.force).status();
}

absl::Status Do(const NodePatch& patch, ApiClient& client) {
  return client.MergePatch(absl::StrCat("/api/v1/nodes/", patch.node), patch.patch).status();
}

absl::Status Do(const ApiWrite::Status& status, ApiClient& client) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(status.object));
  return client.Apply(path + "/status", status.object, kStatusManager, /*force=*/true).status();
}

// The kind, for metrics, and what is done to it.
struct Words {
  std::string kind;
  const char* verb;
  const char* past;
};
Words WordsOf(const ApiWrite& write) {
  if (const auto* removal = std::get_if<Removal>(&write.what)) {
    return {removal->kind, "remove", "removed"};
  }
  if (const auto* apply = std::get_if<Apply>(&write.what)) {
    return {TextAt(apply->object, "/kind"), "apply", "applied"};
  }
  if (std::holds_alternative<NodePatch>(write.what)) return {"Node", "patch", "set the taints of"};
  return {"DevicePluginConfig", "apply_status", "applied"};
}

}  // namespace

std::vector<ApiWrite> WritesOf(const Plan& plan) {
  std::vector<ApiWrite> writes;
  for (const Removal& removal : plan.remove) {
    writes.push_back({ObjectName(removal.kind, removal.name_space, removal.name), removal});
  }
  for (const Apply& apply : plan.apply) writes.push_back({ObjectName(apply.object), apply});
  for (const NodePatch& patch : plan.node_patches) {
    writes.push_back({ObjectName("Node", "", patch.node), patch});
  }
  for (const Json& object : plan.statuses) {
    writes.push_back({StatusName(TextAt(object, "/metadata/name")), ApiWrite::Status{object}});
  }
  return writes;
}

std::string Describe(const ApiWrite& write) {
  return absl::StrCat(WordsOf(write).past, " ", write.object);
}
std::string KindOf(const ApiWrite& write) { return WordsOf(write).kind; }
std::string VerbOf(const ApiWrite& write) { return WordsOf(write).verb; }

absl::Status Perform(const ApiWrite& write, ApiClient& client) {
  return std::visit([&client](const auto& what) { return Do(what, client); }, write.what);
}

std::string RefusalOf(const ApiWrite& write, const absl::Status& status) {
  const std::optional<ApiError> error = ApiErrorOf(status);
  if (!error) return "";
  const Apply* apply = std::get_if<Apply>(&write.what);
  if (error->http_status == 409 && apply != nullptr && !apply->force) {
    return std::string(status.message());
  }
  switch (error->http_status) {
    case 0:
    case 401:
    case 408:
    case 409:
    case 410:
    case 429:
    case 502:
    case 503:
    case 504:
      return "";
    default:
      return std::string(status.message());
  }
}

}  // namespace nodedevice
