#include "lib/service/api_connection.h"

#include <cstdlib>
#include <string_view>
#include <utility>

#include "lib/kube/client_tls.h"
#include "lib/kube/cluster_access.h"

namespace nodedevice {
namespace {

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

absl::StatusOr<ApiConnection> ConnectToApi(const std::filesystem::path& kubeconfig,
                                           ApiClient::Settings settings) {
  ASSIGN_OR_RETURN(const ClusterAccess access,
                   kubeconfig.empty() ? AccessFromPod(Environment("KUBERNETES_SERVICE_HOST"),
                                                      Environment("KUBERNETES_SERVICE_PORT"))
                                      : AccessFromKubeconfig(kubeconfig));
  if (!access.ca.empty() || !access.ca_file.empty()) DoNotReadMachineAuthorities();
  ApiConnection connection{.server = access.server, .client = nullptr};
  ASSIGN_OR_RETURN(connection.client, ApiClient::Create(access, std::move(settings)));
  return connection;
}

}  // namespace nodedevice
