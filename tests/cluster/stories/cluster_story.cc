// The stage itself: clusters stand side by side, and leave nothing behind. And the image.

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const fs::path kSource = NODEDEVICE_SOURCE_DIR;
constexpr char kScript[] = NODEDEVICE_SOURCE_DIR "/tests/cluster/cluster";

std::string ContentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What there is of a cluster on this machine.
std::vector<std::string> TracesOf(const std::string& name) {
  const std::string folder = (kSource / "build/cluster/clusters" / name).string();
  std::vector<std::string> traces;
  std::error_code error;
  if (fs::exists(folder)) traces.push_back(folder);
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    // Of processes that run in its namespaces, too: their mounts lead into its folder.
    const std::string mounts = ContentOf(entry.path() / "mountinfo");
    const std::string command = ContentOf(entry.path() / "cmdline");
    if (mounts.find("/clusters/" + name + "/") != std::string::npos ||
        command.find(folder + "/") != std::string::npos) {
      traces.push_back(absl::StrCat(entry.path().string(), " ", command));
    }
  }
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup", error)) {
    if (!hierarchy.is_directory()) continue;
    for (const auto& group : fs::directory_iterator(hierarchy.path(), error)) {
      if (group.path().filename().string().starts_with("nodedevice-" + name + "-")) {
        traces.push_back(group.path());
      }
    }
  }
  return traces;
}

TEST(Clusters, TwoStandSideBySideAndOneLeavesNothingBehind) {
  const Cluster first;
  const std::string second = "beside";
  const Stopwatch watch;
  MustRun({kScript, "up", second, "n1"});
  watch.Took("a second cluster is up");
  EXPECT_FALSE(TracesOf(second).empty());
  const auto nodes = [&](const std::string& cluster) {
    return MustRun(
        {kSource / "build/cluster/bin/kubectl",
         absl::StrCat("--kubeconfig=",
                      (kSource / "build/cluster/clusters" / cluster / "kubeconfig").string()),
         "get", "nodes", "-o", "name"});
  };
  EXPECT_EQ(nodes(second), "node/n1\n");
  EXPECT_THAT(nodes(first.name()), Not(HasSubstr("node/n1\n")));
  // With a pod that runs: it must end, too.
  const std::string pods = PodManifest({.name = "p",
                                        .namespace_name = "default",
                                        .node = "n1",
                                        .limits = {},
                                        .scheduled = false})
                               .dump();
  const std::string config = absl::StrCat(
      "--kubeconfig=", (kSource / "build/cluster/clusters" / second / "kubeconfig").string());
  const std::string kubectl = kSource / "build/cluster/bin/kubectl";
  MustRun({kubectl, config, "create", "-f", "-"}, pods);
  MustRun({kubectl, config, "wait", "--for=condition=Ready", "pod/p", "--timeout=60s"});

  MustRun({kScript, "down", second});
  EXPECT_TRUE(WaitFor([&] { return TracesOf(second).empty(); }));
  EXPECT_THAT(TracesOf(second), IsEmpty());
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
