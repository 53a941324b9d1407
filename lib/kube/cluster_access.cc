#include "lib/kube/cluster_access.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "lib/base/yaml.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kMaxKubeconfig = 1u << 20;

// The entry of a kubeconfig list with this name: contexts[].context, clusters[].cluster, ...
const Json* FindNamed(const Json& config, const char* list, const char* what,
                      const std::string& name) {
  const auto entries = config.find(list);
  if (entries == config.end() || !entries->is_array()) return nullptr;
  for (const Json& entry : *entries) {
    if (!entry.is_object() || entry.value("name", Json()) != Json(name)) continue;
    const auto body = entry.find(what);
    return body != entry.end() && body->is_object() ? &*body : nullptr;
  }
  return nullptr;
}

absl::StatusOr<std::string> Text(const Json& object, const char* key) {
  const auto field = object.find(key);
  if (field == object.end() || field->is_null()) return std::string();
  if (!field->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(key, " must be a string"));
  }
  return field->get<std::string>();
}

// `key`-data as base64, or `key` as the name of a file.
absl::Status ReadPem(const Json& object, const std::string& key, const fs::path& folder,
                     std::string& pem, fs::path& file) {
  ASSIGN_OR_RETURN(const std::string data, Text(object, (key + "-data").c_str()));
  ASSIGN_OR_RETURN(const std::string name, Text(object, key.c_str()));
  if (!data.empty() && !absl::Base64Unescape(data, &pem)) {
    return absl::InvalidArgumentError(absl::StrCat(key, "-data is not base64"));
  }
  if (data.empty() && !name.empty()) file = folder / name;
  return absl::OkStatus();
}

absl::Status RefuseWhatWeDoNot(const Json& cluster, const Json& user) {
  for (const char* key : {"exec", "auth-provider", "username", "password", "as"}) {
    if (user.contains(key)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the user's ", key, " is not supported; give a client certificate or a token"));
    }
  }
  if (cluster.contains("proxy-url")) {
    return absl::InvalidArgumentError("the cluster's proxy-url is not supported");
  }
  if (cluster.value("insecure-skip-tls-verify", Json()) == Json(true)) {
    return absl::InvalidArgumentError(
        "insecure-skip-tls-verify is not supported; give the certificate authority");
  }
  return absl::OkStatus();
}

absl::StatusOr<ClusterAccess> Read(const Json& config, const fs::path& folder) {
  if (!config.is_object()) return absl::InvalidArgumentError("is not a kubeconfig");
  ASSIGN_OR_RETURN(const std::string context_name, Text(config, "current-context"));
  if (context_name.empty()) return absl::InvalidArgumentError("has no current-context");
  const Json* context = FindNamed(config, "contexts", "context", context_name);
  if (context == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("has no context \"", context_name, "\""));
  }
  ASSIGN_OR_RETURN(const std::string cluster_name, Text(*context, "cluster"));
  ASSIGN_OR_RETURN(const std::string user_name, Text(*context, "user"));
  const Json* cluster = FindNamed(config, "clusters", "cluster", cluster_name);
  if (cluster == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("has no cluster \"", cluster_name, "\""));
  }
  const Json* user = FindNamed(config, "users", "user", user_name);
  if (user == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("has no user \"", user_name, "\""));
  }
  RETURN_IF_ERROR(RefuseWhatWeDoNot(*cluster, *user));

  ClusterAccess access;
  ASSIGN_OR_RETURN(access.server, Text(*cluster, "server"));
  while (access.server.ends_with('/')) access.server.pop_back();
  if (!access.server.starts_with("https://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("the server must begin with https://, is \"", access.server, "\""));
  }
  RETURN_IF_ERROR(ReadPem(*cluster, "certificate-authority", folder, access.ca, access.ca_file));
  RETURN_IF_ERROR(ReadPem(*user, "client-certificate", folder, access.client_certificate,
                          access.client_certificate_file));
  RETURN_IF_ERROR(ReadPem(*user, "client-key", folder, access.client_key, access.client_key_file));
  ASSIGN_OR_RETURN(access.token, Text(*user, "token"));
  ASSIGN_OR_RETURN(const std::string token_file, Text(*user, "tokenFile"));
  if (!token_file.empty()) access.token_file = folder / token_file;
  return access;
}

}  // namespace

absl::StatusOr<ClusterAccess> AccessFromPod(std::string_view service_host,
                                            std::string_view service_port,
                                            const fs::path& service_account) {
  if (service_host.empty() || service_port.empty()) {
    return absl::FailedPreconditionError(
        "this is not a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; "
        "give --kubeconfig");
  }
  ClusterAccess access;
  const bool is_ipv6 = service_host.find(':') != std::string_view::npos;
  access.server = absl::StrCat("https://", is_ipv6 ? "[" : "", std::string(service_host),
                               is_ipv6 ? "]" : "", ":", std::string(service_port));
  access.ca_file = service_account / "ca.crt";
  access.token_file = service_account / "token";
  return access;
}

absl::StatusOr<ClusterAccess> AccessFromKubeconfig(const fs::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxKubeconfig));
  absl::StatusOr<Json> config = ParseYaml(text);
  if (!config.ok()) return Annotate(config.status(), path.string());
  absl::StatusOr<ClusterAccess> access = Read(*config, path.parent_path());
  if (!access.ok()) return Annotate(access.status(), path.string());
  return access;
}

}  // namespace nodedevice
