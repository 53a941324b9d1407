// What our pods may do. It is written in the manifests, and docs/security.md says why; who adds a
// right changes it here, too.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/yaml.h"
#include "tests/architecture/source_tree.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

constexpr char kAgent[] = "operator-manifests/operand/daemonset.yaml";
constexpr char kController[] = "operator-manifests/controller/deployment.yaml";

// The pod of a DaemonSet or Deployment.
Json PodOf(const std::string& path) {
  const absl::StatusOr<Json> workload =
      ParseYaml(absl::StrJoin(LinesOf(SourceRoot() / path), "\n"));
  EXPECT_TRUE(workload.ok()) << path << ": " << workload.status();
  if (!workload.ok()) return Json::object();
  return workload->value(Json::json_pointer("/spec/template/spec"), Json::object());
}

// https://kubernetes.io/docs/concepts/security/pod-security-standards/, the strictest of the three.
TEST(PodSecurityTest, TheControllerKeepsTheStandardRestricted) {
  const Json pod = PodOf(kController);
  for (const char* part : {"hostNetwork", "hostPID", "hostIPC", "volumes", "initContainers"}) {
    EXPECT_FALSE(pod.contains(part)) << part;
  }
  EXPECT_EQ(pod.at("securityContext"),
            Json({{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}));
  ASSERT_EQ(pod.at("containers").size(), 1u);
  const Json& container = pod.at("containers")[0];
  EXPECT_EQ(container.at("securityContext"), Json({{"allowPrivilegeEscalation", false},
                                                   {"readOnlyRootFilesystem", true},
                                                   {"capabilities", {{"drop", {"ALL"}}}}}));
  for (const Json& port : container.at("ports")) EXPECT_FALSE(port.contains("hostPort")) << port;
}

TEST(PodSecurityTest, AnAgentIsPrivilegedButWritesOnlyWhereItsSocketsAre) {
  const Json pod = PodOf(kAgent);
  for (const char* part : {"hostPID", "hostIPC", "securityContext", "initContainers"}) {
    EXPECT_FALSE(pod.contains(part)) << part;
  }
  ASSERT_EQ(pod.at("containers").size(), 1u);
  const Json& container = pod.at("containers")[0];
  EXPECT_EQ(container.at("securityContext"),
            Json({{"privileged", true}, {"readOnlyRootFilesystem", true}}));
  std::set<std::string> writable;
  for (const Json& mount : container.at("volumeMounts")) {
    EXPECT_NE(mount.value("mountPropagation", ""), "Bidirectional") << mount;
    if (!mount.value("readOnly", false)) writable.insert(mount.at("mountPath"));
  }
  EXPECT_EQ(writable, std::set<std::string>({"/var/lib/kubelet/device-plugins"}));
}

// Each way to install it is made of the two above.
TEST(PodSecurityTest, NoPatchTakesAnyOfItBack) {
  const std::set<std::string> bases = {kAgent, kController};
  std::size_t workloads = 0;
  for (const SourceFile& manifest : FilesBelow("operator-manifests", {".yaml"})) {
    const std::string text = absl::StrJoin(manifest.lines, "\n");
    for (const char* kind : {"kind: DaemonSet\n", "kind: Deployment\n"}) {
      if (absl::StrContains(text, absl::StrCat("\n", kind))) ++workloads;
    }
    if (bases.contains(manifest.path)) continue;
    for (const std::string& line : manifest.lines) {
      for (const char* word : {"securityContext", "privileged: true", "hostPID", "hostIPC"}) {
        // The user's number, where nobody else gives one.
        if (!absl::StrContains(line, word) ||
            absl::StrContains(line, "/spec/template/spec/securityContext/runAsUser")) {
          continue;
        }
        ADD_FAILURE() << manifest.path << ": " << line;
      }
    }
  }
  EXPECT_GE(workloads, 4u);
}

}  // namespace
}  // namespace nodedevice::testing
