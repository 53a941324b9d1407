// Other people's device plugins under `device-manager conformance`: what it says of each is what
// tests/cluster/peers keeps, with the reason of every failure.

#include <algorithm>
#include <filesystem>
#include <future>
#include <map>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "lib/base/file.h"
#include "lib/base/yaml.h"
#include "tests/cluster/stories/cluster.h"
#include "tests/cluster/stories/parity_subject.h"
#include "tests/support/fake_driver.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kDevice[] = "device";
constexpr char kDriver[] = "driver";

struct Peer {
  std::string name;  // of its file, without the extension
};

void PrintTo(const Peer& peer, std::ostream* out) { *out << peer.name; }

fs::path PeersFolder() { return SourceRoot() / "tests/cluster/peers"; }

std::vector<Peer> Peers() {
  std::vector<Peer> peers;
  for (const fs::path file : NamesIn(PeersFolder())) {
    if (file.extension() == ".yaml") peers.push_back({file.stem()});
  }
  return peers;
}

Json Read(const fs::path& file) {
  const absl::StatusOr<std::string> text = ReadFile(file, 1u << 20);
  if (!text.ok()) throw std::runtime_error(std::string(text.status().message()));
  absl::StatusOr<Json> value = ParseYaml(*text);
  if (!value.ok()) {
    throw std::runtime_error(absl::StrCat(file.native(), ": ", value.status().message()));
  }
  return *std::move(value);
}

// Words of a peer, with what stands for a device and for NVIDIA's driver in them replaced.
std::vector<std::string> Words(const Json& peer, const std::string& key, const TempDir& dir) {
  std::vector<std::string> words = peer.value(key, std::vector<std::string>());
  for (std::string& word : words) {
    absl::StrReplaceAll({{"{device}", (dir.path() / kDevice).native()},
                         {"{driver}", (dir.path() / kDriver).native()}},
                        &word);
  }
  return words;
}

// What the peer finds on the machine: a file that stands for a device, and GPUs.
void Provide(const Json& peer, const TempDir& dir) {
  if (peer.value("device", false)) dir.Write(kDevice, "");
  if (!peer.contains("gpus")) return;
  Json gpus = Json::array();
  for (const Json& gpu : peer.at("gpus")) {
    gpus.push_back(FakeDriver::Gpu(gpu.at("minor").get<int>(), gpu));
  }
  const FakeDriver driver(dir, kDriver, SourceRoot() / "build/release/bin");
  driver.Install();
  driver.Play({{"gpus", gpus}});
}

// Plays the kubelet for it where most plugins expect one. This machine's own /var/lib, with the
// kubelet that it may have, is out of sight, and the first process is one of its own: plugins look
// for the node's files in /proc/1/root.
CommandResult Judge(const Json& peer, const TempDir& dir) {
  std::vector<std::string> line = {
      "unshare",
      "--mount",
      "--propagation=private",
      "--pid",
      "--fork",
      "--mount-proc",
      "sh",
      "-c",
      R"(mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/kubelet || exit 3; "$@"; exit $?)",
      "sh",
      DeviceManagerProgram(),
      "conformance",
      "--json",
      "--kubelet-dir",
      "/var/lib/kubelet",
      "--log",
      dir.path() / "log"};
  if (peer.contains("patience")) {
    line.insert(line.end(), {"--patience", absl::StrCat(peer.at("patience").get<int>())});
  }
  if (peer.value("device", false)) line.insert(line.end(), {"--device", dir.path() / kDevice});
  for (const std::string& variable : Words(peer, "environment", dir)) {
    line.insert(line.end(), {"--env", variable});
  }
  line.insert(line.end(),
              {"--", SourceRoot() / "build/cluster/bin" / peer.at("program").get<std::string>()});
  const std::vector<std::string> arguments = Words(peer, "arguments", dir);
  line.insert(line.end(), arguments.begin(), arguments.end());
  return RunCommand(line);
}

// On a machine of its own, as far as the peer looks at it.
CommandResult JudgeAlone(const Json& peer) {
  const TempDir dir;
  Provide(peer, dir);
  return Judge(peer, dir);
}

class PeersUnderConformance : public ::testing::TestWithParam<Peer> {
 protected:
  // All side by side, since each mostly waits for what does not come.
  static void SetUpTestSuite() {
    const ::testing::TestSuite& suite = *::testing::UnitTest::GetInstance()->current_test_suite();
    for (int i = 0; i < suite.total_test_count(); ++i) {
      const ::testing::TestInfo& test = *suite.GetTestInfo(i);
      if (!test.should_run()) continue;
      const std::string name = test.value_param();
      Judged& judged = judged_[name];
      judged.peer = Read(PeersFolder() / (name + ".yaml"));
      judged.result = std::async(std::launch::async, JudgeAlone, judged.peer);
    }
  }
  static void TearDownTestSuite() { judged_.clear(); }

  struct Judged {
    Json peer;
    std::future<CommandResult> result;
  };
  static inline std::map<std::string, Judged> judged_;  // by name of the peer
};

TEST_P(PeersUnderConformance, EachVerdictIsTheOneThatIsExplained) {
  Judged& judged = judged_.at(GetParam().name);
  const Json& peer = judged.peer;
  const CommandResult result = judged.result.get();
  const Json report = Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(report.is_object()) << result.code << ": " << result.error;
  EXPECT_EQ(report["resources"], peer.at("resources"));

  // A rule that only one of the two has is a difference as well.
  std::map<std::string, std::string> expected = peer.at("verdicts");
  bool musts_hold = true;
  for (const Json& rule : report["rules"]) {
    const std::string name = rule["name"];
    const bool failed = rule["verdict"] == "fail";
    if (failed && rule["severity"] == "must") musts_hold = false;
    const std::string wanted = expected[name];
    expected.erase(name);
    if (peer.value("varies", Json::object()).contains(name)) continue;
    // Whether it registered often enough to tell is this machine's speed.
    if (!name.starts_with("growth/") || failed) {
      EXPECT_EQ(rule["verdict"], wanted) << name << ", seen: " << rule["seen"];
    }
    EXPECT_EQ(peer.at("because").contains(name), failed) << name << " fails and has a reason";
  }
  EXPECT_THAT(expected, ::testing::IsEmpty());
  EXPECT_EQ(report["passed"], musts_hold);
  EXPECT_EQ(result.code, musts_hold ? 0 : 1) << result.error;
}

std::string NameOf(const ::testing::TestParamInfo<Peer>& peer) {
  std::string name = peer.param.name;  // gtest takes letters, digits and _
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Known, PeersUnderConformance, ::testing::ValuesIn(Peers()), NameOf);

}  // namespace
}  // namespace nodedevice::testing
