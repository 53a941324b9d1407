#pragma once

// Where the API server is and how to prove who we are: as a pod (contracts/openshift.md 2.1), or by
// a kubeconfig file. Read once at the start; what rotates is named by its file and read again.

#include <filesystem>
#include <string>

#include "lib/base/status.h"

namespace nodedevice {

struct ClusterAccess {
  std::string server;  // "https://10.0.0.1:443", without a path or a slash at the end

  // PEM texts; a file wins over the text beside it and may change at any time.
  std::string ca = {};
  std::filesystem::path ca_file = {};
  std::string client_certificate = {};
  std::filesystem::path client_certificate_file = {};
  std::string client_key = {};
  std::filesystem::path client_key_file = {};

  std::string token = {};
  std::filesystem::path token_file = {};
};

// From a pod: the environment's KUBERNETES_SERVICE_HOST and _PORT, given as values, and the folder
// of the service account. Fails when this is no pod: the message says what is missing.
absl::StatusOr<ClusterAccess> AccessFromPod(
    std::string_view service_host, std::string_view service_port,
    const std::filesystem::path& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

// From the current context of a kubeconfig: server, certificate authority, client certificate and
// token, as data or as files (relative ones are beside the kubeconfig). What we do not do is
// refused with its name: exec and auth-provider plugins, passwords, proxies,
// insecure-skip-tls-verify.
absl::StatusOr<ClusterAccess> AccessFromKubeconfig(const std::filesystem::path& path);

}  // namespace nodedevice
