#include "tests/cluster/stories/openshift_install.h"
#include "tests/support/places.h"

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace nodedevice::testing {

namespace fs = std::filesystem;

void InstallAsOnOpenShift(const Cluster& cluster) {
  cluster.MustKubectl({"apply", "-k", SourceRoot() / "operator-manifests/openshift"});
  cluster.MustKubectl(
      {"-n", "node-device", "patch", "deployment", "node-device-controller", "--type=merge", "-p",
       R"({"spec": {"template": {"spec": {"securityContext": {"runAsUser": 1000690000}}}}})"});
  const fs::path pki = cluster.Folder() / "pki";
  for (const char* secret : {"node-device-controller-tls", "node-device-agent-tls"}) {
    cluster.MustKubectl({"-n", "node-device", "create", "secret", "tls", secret,
                         "--cert=" + (pki / "apiserver.crt").string(),
                         "--key=" + (pki / "apiserver.key").string()});
  }
  cluster.MustKubectl({"rollout", "status", "deployment/node-device-controller", "-n",
                       "node-device", "--timeout=120s"});
}

std::string TokenToReadMetrics(const Cluster& cluster, const std::string& account) {
  cluster.MustKubectl({"create", "serviceaccount", account});
  cluster.MustKubectl(
      {"create", "clusterrole", account, "--verb=get", "--non-resource-url=/metrics"});
  cluster.MustKubectl({"create", "clusterrolebinding", account,
                       absl::StrCat("--clusterrole=", account),
                       absl::StrCat("--serviceaccount=default:", account)});
  std::string token = cluster.MustKubectl({"create", "token", account});
  while (token.ends_with('\n')) token.pop_back();
  return token;
}

}  // namespace nodedevice::testing
