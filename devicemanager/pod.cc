#include "devicemanager/pod.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "lib/base/yaml.h"
#include "lib/kubelet/resource_name.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager {
namespace {

using Json = nlohmann::json;

absl::Status Bad(std::string_view field, std::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(std::string(field), ": ", std::string(problem)));
}

const Json& Member(const Json& object, const char* key) {
  static const Json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

// A string member. nullopt when it is absent or null.
absl::StatusOr<std::optional<std::string>> ReadString(const Json& object, const char* key,
                                                      const std::string& field) {
  const Json& value = Member(object, key);
  if (value.is_null()) return std::nullopt;
  if (!value.is_string()) return Bad(field, "must be a string (put it in quotes)");
  return value.get<std::string>();
}

absl::StatusOr<std::string> ReadName(const Json& object, const char* key,
                                     const std::string& field) {
  ASSIGN_OR_RETURN(std::optional<std::string> name, ReadString(object, key, field));
  if (!name || name->empty()) return Bad(field, "is required");
  if (name->find('/') != std::string::npos) return Bad(field, "must not contain '/'");
  return *std::move(name);
}

absl::StatusOr<int> ReadQuantity(const Json& value, const std::string& field) {
  int quantity = 0;
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    if (number >= 0 && number <= std::numeric_limits<int>::max()) return static_cast<int>(number);
  } else if (value.is_string() && absl::SimpleAtoi(value.get<std::string>(), &quantity) &&
             quantity >= 0) {
    return quantity;
  }
  return Bad(field, absl::StrCat("must be a whole number of devices such as 1, not ",
                                 value.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

// cpu, memory, hugepages-2Mi and what belongs to kubernetes.io are none of a device plugin's.
bool IsNative(const std::string& resource) {
  return !absl::StrContains(resource, '/') || absl::StrContains(resource, "kubernetes.io/");
}

absl::StatusOr<std::map<std::string, int>> ReadQuantities(const Json& list,
                                                          const std::string& field) {
  std::map<std::string, int> quantities;
  if (list.is_null()) return quantities;
  if (!list.is_object()) return Bad(field, "must be a map from resource to quantity");
  for (const auto& [resource, quantity] : list.items()) {
    if (IsNative(resource)) continue;
    const std::string path = absl::StrCat(field, "[", resource, "]");
    RETURN_IF_ERROR(Annotate(ValidateExtendedResourceName(resource), path));
    ASSIGN_OR_RETURN(quantities[resource], ReadQuantity(quantity, path));
  }
  return quantities;
}

// Extended resources cannot be overcommitted: a request must equal the limit.
absl::StatusOr<std::map<std::string, int>> ReadLimits(const Json& resources,
                                                      const std::string& field) {
  if (resources.is_null()) return std::map<std::string, int>();
  if (!resources.is_object()) return Bad(field, "must be a map with limits and requests");
  ASSIGN_OR_RETURN(auto limits, ReadQuantities(Member(resources, "limits"), field + ".limits"));
  ASSIGN_OR_RETURN(auto requests,
                   ReadQuantities(Member(resources, "requests"), field + ".requests"));
  for (const auto& [resource, quantity] : requests) {
    const auto limit = limits.find(resource);
    if (limit == limits.end() || limit->second != quantity) {
      return Bad(absl::StrCat(field, ".requests[", resource, "]"),
                 "must equal the limit, because an extended resource cannot be overcommitted");
    }
  }
  return limits;
}

absl::Status ReadContainers(const Json& list, const std::string& field, bool init,
                            std::vector<Container>& containers) {
  if (list.is_null()) return absl::OkStatus();
  if (!list.is_array()) return Bad(field, "must be a list of containers");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = absl::StrCat(field, "[", i, "]");
    if (!list[i].is_object()) return Bad(path, "must be a container");
    Container container;
    ASSIGN_OR_RETURN(container.name, ReadName(list[i], "name", path + ".name"));
    if (std::any_of(containers.begin(), containers.end(),
                    [&](const Container& other) { return other.name == container.name; })) {
      return Bad(path + ".name", absl::StrCat("'", container.name, "' stands here twice"));
    }
    if (init) {
      const std::string policy_field = path + ".restartPolicy";
      ASSIGN_OR_RETURN(const auto policy, ReadString(list[i], "restartPolicy", policy_field));
      if (policy && *policy != "Always") {
        return Bad(policy_field, absl::StrCat("'", *policy, "' is not Always"));
      }
      container.kind = policy ? ContainerKind::kSidecar : ContainerKind::kInit;
    }
    ASSIGN_OR_RETURN(container.limits,
                     ReadLimits(Member(list[i], "resources"), path + ".resources"));
    containers.push_back(std::move(container));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view ToString(ContainerKind kind) {
  switch (kind) {
    case ContainerKind::kInit:
      return "init";
    case ContainerKind::kSidecar:
      return "sidecar";
    case ContainerKind::kApp:
      return "app";
  }
  return "";
}

absl::StatusOr<Pod> ParsePod(std::string_view yaml) {
  ASSIGN_OR_RETURN(const Json manifest, ParseYaml(yaml));
  if (!manifest.is_object()) return absl::InvalidArgumentError("the manifest is not a Pod");
  ASSIGN_OR_RETURN(const auto version, ReadString(manifest, "apiVersion", "apiVersion"));
  if (version != "v1") return Bad("apiVersion", "must be v1");
  ASSIGN_OR_RETURN(const auto kind, ReadString(manifest, "kind", "kind"));
  if (kind != "Pod") {
    return Bad("kind", absl::StrCat("'", kind.value_or(""), "' is not Pod, the only kind read"));
  }

  Pod pod;
  const Json& metadata = Member(manifest, "metadata");
  if (!metadata.is_object()) return Bad("metadata", "is required");
  ASSIGN_OR_RETURN(pod.name, ReadName(metadata, "name", "metadata.name"));
  if (Member(metadata, "namespace").is_null()) {
    pod.namespace_name = "default";
  } else {
    ASSIGN_OR_RETURN(pod.namespace_name, ReadName(metadata, "namespace", "metadata.namespace"));
  }
  ASSIGN_OR_RETURN(const auto uid, ReadString(metadata, "uid", "metadata.uid"));
  pod.uid = uid.value_or("");

  const Json& spec = Member(manifest, "spec");
  if (!spec.is_object()) return Bad("spec", "is required");
  RETURN_IF_ERROR(
      ReadContainers(Member(spec, "initContainers"), "spec.initContainers", true, pod.containers));
  const std::size_t init_count = pod.containers.size();
  RETURN_IF_ERROR(
      ReadContainers(Member(spec, "containers"), "spec.containers", false, pod.containers));
  if (pod.containers.size() == init_count) return Bad("spec.containers", "is required");
  return pod;
}

}  // namespace nodedevice::devicemanager
