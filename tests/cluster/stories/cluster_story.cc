// The stage itself: clusters stand side by side, and leave nothing behind. And the image.

#include <filesystem>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "lib/base/file.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const fs::path kSource = SourceRoot();

// Empty: it cannot be read.
std::string ContentOf(const fs::path& path) { return ReadFile(path, 1u << 20).value_or(""); }

// What there is of a cluster on this machine.
std::vector<std::string> TracesOf(const std::string& name) {
  const std::string folder = Cluster(name).Folder();
  std::vector<std::string> traces;
  if (fs::exists(folder)) traces.push_back(folder);
  for (const std::string& name_of_process : NamesIn("/proc")) {
    const fs::path process = fs::path("/proc") / name_of_process;
    // Of processes that run in its namespaces, too: their mounts lead into its folder.
    const std::string mounts = ContentOf(process / "mountinfo");
    const std::string command = ContentOf(process / "cmdline");
    if (mounts.find("/clusters/" + name + "/") != std::string::npos ||
        command.find(folder + "/") != std::string::npos) {
      traces.push_back(absl::StrCat(process.string(), " ", command));
    }
  }
  const auto look_for_cgroups = [&](const fs::path& hierarchy) {
    for (const std::string& group : NamesIn(hierarchy)) {
      if (group.starts_with("nodedevice-" + name + "-")) traces.push_back(hierarchy / group);
    }
  };
  look_for_cgroups("/sys/fs/cgroup");  // version 2
  const fs::path hierarchies = "/sys/fs/cgroup";
  std::error_code error;
  for (const std::string& hierarchy : NamesIn(hierarchies)) {
    if (fs::is_directory(hierarchies / hierarchy, error)) look_for_cgroups(hierarchies / hierarchy);
  }
  return traces;
}

// The block between ``` of a document that has this in it.
std::string BlockWith(const std::string& document, const std::string& what) {
  const std::vector<std::string> parts = absl::StrSplit(ContentOf(kSource / document), "\n```");
  for (std::size_t i = 1; i < parts.size(); i += 2) {
    if (parts[i].find(what) != std::string::npos) return parts[i];
  }
  throw std::runtime_error(document + " has no block with " + what);
}

// A cluster beside the one of the stories, used as a person does.
class Beside {
 public:
  Beside() { cluster_.Manage("up", {"n1"}); }
  ~Beside() { RunCommand({kSource / "tests/cluster/cluster", "down", cluster_.name()}); }
  const Cluster& cluster() const { return cluster_; }
  // What a person types in the repository, after what `make cluster` says.
  std::string Run(const std::string& commands) const {
    return MustRun(
        {"env", "-C", kSource, "bash", "-euo", "pipefail", "-c",
         absl::StrCat("export KUBECONFIG=", cluster_.Kubeconfig().string(),
                      " PATH=$PATH:", (kSource / "build/cluster/bin").string(), "\n", commands)});
  }

 private:
  const Cluster cluster_{"beside"};
};

TEST(Clusters, StandSideBySideAndLeaveNothingBehind) {
  const Cluster first;
  const Stopwatch watch;
  const Beside second;
  watch.Took("a second cluster is up");
  EXPECT_EQ(second.cluster().MustKubectl({"get", "nodes", "-o", "name"}), "node/n1\n");
  EXPECT_FALSE(first.Get("/api/v1/nodes/n1").has_value());

  // As README.md says: one apply, and the node shows what it has.
  const Stopwatch applied;
  second.Run(BlockWith("README.md", "kubectl apply -k operator-manifests/standalone"));
  EXPECT_TRUE(WaitFor([&] {
    const Json node =
        Json::parse(second.cluster().MustKubectl({"get", "--raw", "/api/v1/nodes/n1"}));
    const Json allocatable = node["status"]["allocatable"];
    return allocatable.value(kFuse, "") == "100" && allocatable.value(kKvm, "") == "1k" &&
           allocatable.value("nodedevices.io/serial", "") == "0";
  })) << second.cluster().MustKubectl({"get", "nodes", "-o", "yaml"});
  applied.Took("kubectl apply -k operator-manifests/standalone -> allocatable");

  // As docs/operations.md says, with an image of another name, which the node has.
  second.cluster().Manage("on", {"n1", "ctr", "-n", "k8s.io", "images", "tag",
                                 "nodedevices.io/node-device-operator:" NODEDEVICE_VERSION,
                                 "registry.example/node-device-operator:" NODEDEVICE_VERSION});
  EXPECT_THAT(second.Run(BlockWith("docs/operations.md", "kubectl kustomize")), HasSubstr(kFuse));
  EXPECT_THAT(second.cluster().MustKubectl({"get", "pods", "-n", "node-device", "-o", "yaml"}),
              HasSubstr("image: registry.example/"));

  // It ends with a pod that runs and holds a device.
  second.cluster().MustKubectl(
      {"create", "-f", "-"},
      PodManifest({.name = "p", .namespace_name = "default", .node = "n1", .limits = {{kFuse, 1}}})
          .dump());
  second.cluster().MustKubectl({"wait", "--for=condition=Ready", "pod/p", "--timeout=60s"});
  EXPECT_FALSE(TracesOf(second.cluster().name()).empty());
  second.cluster().Manage("down");
  EXPECT_TRUE(WaitFor([&] { return TracesOf(second.cluster().name()).empty(); }));
  EXPECT_THAT(TracesOf(second.cluster().name()), IsEmpty());
  EXPECT_FALSE(TracesOf(first.name()).empty()) << "the other one is still there";
}

TEST(Image, TheSameFilesGiveTheSameDigest) {
  const TempDir dir;
  for (const char* copy : {"one", "two"}) {
    dir.Write(absl::StrCat(copy, "/usr/bin/program"), "bytes");
    dir.Write(absl::StrCat(copy, "/etc/file"), "same");
  }
  // Later, and in another order on the disk.
  fs::last_write_time(dir.path() / "two/etc/file", fs::file_time_type::clock::now());
  const auto digest = [&](const std::string& copy) {
    return MustRun({kSource / "scripts/oci-archive", dir.path() / copy,
                    dir.path() / (copy + ".tar"), "example.com/image:1",
                    R"({"Entrypoint": ["/usr/bin/program"]})"});
  };
  EXPECT_THAT(digest("one"), StartsWith("sha256:"));
  EXPECT_EQ(digest("one"), digest("two"));
  EXPECT_EQ(ContentOf(dir.path() / "one.tar"), ContentOf(dir.path() / "two.tar"));
}

TEST(Image, IsMadeTwiceWithTheSameDigest) {
  const std::string first = MustRun({kSource / "scripts/image"});
  EXPECT_THAT(first, HasSubstr("sha256:"));
  EXPECT_EQ(MustRun({kSource / "scripts/image"}), first);
}

TEST(Image, HoldsEveryProgramWithAllThatItLoads) {
  const Node node(Cluster(), "image");
  node.cluster().MakeNamespace("image");
  for (const char* program : {"node-device-agent", "node-device-plugin", "device-manager"}) {
    Json pod = PodManifest({.name = program,
                            .namespace_name = "image",
                            .node = node.name(),
                            .limits = {},
                            .scheduled = false});
    Json& container = pod["spec"]["containers"][0];
    container["image"] = "nodedevices.io/node-device-operator:" NODEDEVICE_VERSION;
    container["command"] = {absl::StrCat("/usr/bin/", program), "--version"};
    node.cluster().Create(pod);
    const std::string path = absl::StrCat("/api/v1/namespaces/image/pods/", program);
    Json seen;
    EXPECT_TRUE(WaitFor([&] {
      seen = node.cluster().Get(path).value();
      return seen["status"].value("phase", "") == "Succeeded";
    })) << seen.dump(2);
    const CommandResult log = node.cluster().Kubectl({"logs", "-n", "image", program});
    EXPECT_THAT(log.out, HasSubstr(NODEDEVICE_VERSION)) << log.error;
  }
  node.cluster().DeleteNamespace("image");
}

}  // namespace
}  // namespace nodedevice::testing
