// Other people's device plugins under `device-manager conformance`: what it says of each is what
// tests/cluster/peers keeps, with the reason of every failure.

#include <algorithm>
#include <filesystem>
#include <map>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "lib/base/file.h"
#include "lib/base/yaml.h"
#include "tests/cluster/stories/cluster.h"
#include "tests/cluster/stories/parity_subject.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

struct Peer {
  std::string name;  // of its file, without the extension
  fs::path file;
};

void PrintTo(const Peer& peer, std::ostream* out) { *out << peer.name; }

std::vector<Peer> Peers() {
  std::vector<Peer> peers;
  const fs::path folder = SourceRoot() / "tests/cluster/peers";
  for (const std::string& name : NamesIn(folder)) {
    const fs::path file = folder / name;
    if (file.extension() == ".yaml") peers.push_back({file.stem(), file});
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

// Plays the kubelet for it where most plugins expect one. This machine's own /var/lib, with the
// kubelet that it may have, is out of sight.
CommandResult Judge(const Json& peer, const fs::path& log) {
  std::vector<std::string> line = {
      "unshare",
      "--mount",
      "--propagation=private",
      "sh",
      "-c",
      R"(mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/kubelet && exec "$@")",
      "sh",
      DeviceManagerProgram(),
      "conformance",
      "--json",
      "--kubelet-dir",
      "/var/lib/kubelet",
      "--log",
      log};
  for (const Json& variable : peer.at("environment")) {
    line.insert(line.end(), {"--env", variable.get<std::string>()});
  }
  line.insert(line.end(),
              {"--", SourceRoot() / "build/cluster/bin" / peer.at("program").get<std::string>()});
  return RunCommand(line);
}

class PeersUnderConformance : public ::testing::TestWithParam<Peer> {};

TEST_P(PeersUnderConformance, EachVerdictIsTheOneThatIsExplained) {
  const Json peer = Read(GetParam().file);
  const TempDir dir;
  const CommandResult result = Judge(peer, dir.path() / "log");
  const Json report = Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(report.is_object()) << result.code << ": " << result.error;
  EXPECT_EQ(report["resources"], peer.at("resources"));

  // A rule that only one of the two has is a difference as well.
  std::map<std::string, std::string> expected = peer.at("verdicts");
  bool musts_hold = true;
  for (const Json& rule : report["rules"]) {
    const std::string name = rule["name"];
    EXPECT_EQ(rule["verdict"], expected[name]) << name << ", seen: " << rule["seen"];
    expected.erase(name);
    const bool failed = rule["verdict"] == "fail";
    if (failed && rule["severity"] == "must") musts_hold = false;
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
