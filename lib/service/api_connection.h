#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "lib/base/status.h"
#include "lib/kube/api_client.h"

namespace nodedevice {

struct ApiConnection {
  std::string server;  // "https://10.0.0.1:443"
  std::unique_ptr<ApiClient> client;
};

// The API as --kubeconfig says; without one, as the pod that this is. Fails when the credentials
// cannot be read or this is no pod; it does not speak to the server. main() only: it reads the
// environment.
absl::StatusOr<ApiConnection> ConnectToApi(const std::filesystem::path& kubeconfig,
                                           ApiClient::Settings settings);

}  // namespace nodedevice
