#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/status.h"
#include "lib/metrics/tls_credentials.h"

namespace CLI {
class App;
}

namespace nodedevice {

// How /metrics is served over TLS, and to whom.
struct TlsFlags {
  TlsOptions tls;  // without a certificate: plain HTTP
  // Who is let in by a client certificate: the Prometheus that OpenShift brings.
  std::vector<std::string> client_names = {
      "system:serviceaccount:openshift-monitoring:prometheus-k8s"};
};

// Adds --tls-cert, --tls-key, --client-ca, --client-name, --tls-min-version and
// --tls-cipher-suites. `flags` must live until the command line is parsed.
void AddTlsFlags(CLI::App& app, TlsFlags& flags);

// What they lead to, with news in the log; null when plain HTTP is asked for.
absl::StatusOr<std::unique_ptr<TlsCredentials>> LoadTls(const TlsOptions& options);

}  // namespace nodedevice
