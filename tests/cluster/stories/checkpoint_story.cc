// The file kubelet_internal_checkpoint between a real kubelet and device-manager: each goes on from
// what the other has written.

#include <signal.h>

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "devicemanager/checkpoint.h"
#include "gmock/gmock.h"
#include "lib/base/file.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/parity_subject.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNamespace[] = "checkpoints";
constexpr char kPlug[] = "example.com/plug";
constexpr char kPort[] = "example.com/port";
constexpr char kGuest[] = "example.com/guest";
// Every device's node is called so, which nothing else in /dev is.
constexpr char kPrefix[] = "checkpointed-";
// What a kubelet says that cannot read its checkpoint.
constexpr char kRefusal[] = "failing to read checkpoint file";

// Who holds what: the uid of a pod, and what its only container, "main", has.
using Holdings = std::map<std::string, KubeletView::ByResource>;

std::vector<std::string> Ids(const std::string& name, int count) {
  std::vector<std::string> ids(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) ids[i] = absl::StrCat(kPrefix, name, i);
  return ids;
}

std::vector<std::string> Lines(const std::string& text) { return absl::StrSplit(text, '\n'); }

std::string MustRead(const fs::path& file) {
  absl::StatusOr<std::string> text = ReadFile(file, devicemanager::kCheckpointMaxBytes);
  if (!text.ok()) throw std::runtime_error(std::string(text.status().message()));
  return *std::move(text);
}

CommandResult Explain(const fs::path& checkpoint) {
  return RunCommand({DeviceManagerProgram(), "checkpoint", checkpoint, "--json"});
}

// What `device-manager checkpoint` says, which verifies the checksum first.
Holdings HeldBy(const fs::path& checkpoint) {
  const CommandResult result = Explain(checkpoint);
  EXPECT_EQ(result.code, 0) << result.error << result.out;
  const Json report = Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  if (!report.is_object()) return {};
  EXPECT_EQ(report["problems"], Json::array());
  Holdings holdings;
  for (const Json& entry : report["entries"]) {
    EXPECT_EQ(entry["container"], "main");
    auto& ids = holdings[entry["pod"]][entry["resource"]];
    // A device with two NUMA nodes is in both lists.
    for (const Json& on_node : entry["devices"]) {
      for (const Json& id : on_node) ids.insert(id.get<std::string>());
    }
  }
  return holdings;
}

// A node with two resources, and pods that hold all of them but one plug.
class Checkpoints : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    node_ = std::make_unique<Node>(Cluster(), "checkpoints");
    node_->cluster().MakeNamespace(kNamespace);
    for (const std::string& id : Ids("plug", 5)) node_->Plug(id);
    for (const std::string& id : Ids("port", 2)) node_->Plug(id);
  }
  static void TearDownTestSuite() {
    node_->cluster().DeleteNamespace(kNamespace);
    node_.reset();
  }

 protected:
  void SetUp() override {
    Announce();
    StartPod("one", {{kPlug, 1}});
    StartPod("two", {{kPlug, 2}});
    StartPod("both", {{kPlug, 1}, {kPort, 2}});
  }
  void TearDown() override {
    for (const auto& [name, pod] : pods_) pod.Delete();
  }

  const Node& node() const { return *node_; }
  KubeletView kubelet() const { return KubeletView(node_->kubelet_paths().pod_resources_socket()); }
  fs::path File() const { return node_->kubelet_paths().checkpoint(); }

  // A kubelet that starts has removed their sockets, so they are served anew.
  void Announce() {
    const fs::path folder = node_->kubelet_paths().device_plugins();
    plugs_.emplace(folder / "plug.sock", Ids("plug", 5));
    ports_.emplace(folder / "port.sock", Ids("port", 2));
    std::vector<v1beta1::Device> ports;
    for (const std::string& id : Ids("port", 2)) {
      v1beta1::Device& port = ports.emplace_back();
      port.set_id(id);
      port.set_health("Healthy");
      port.mutable_topology()->add_nodes()->set_id(0);
    }
    ports[1].mutable_topology()->add_nodes()->set_id(1);
    ports_->SetDevices(ports);
    ASSERT_TRUE(plugs_->Register(kPlug).ok());
    ASSERT_TRUE(ports_->Register(kPort).ok());
    ASSERT_TRUE(WaitFor(
        [&] {
          auto healthy = kubelet().Healthy();
          return healthy[kPlug].size() == 5 && healthy[kPort].size() == 2;
        },
        kKubeletPace));
  }

  void StartPod(const std::string& name, const std::map<std::string, int>& limits) {
    const auto [pod, is_new] = pods_.try_emplace(name, node_->cluster(),
                                                 PodRequest{.name = name,
                                                            .namespace_name = kNamespace,
                                                            .node = node_->name(),
                                                            .limits = limits,
                                                            .scheduled = false});
    ASSERT_TRUE(is_new && pod->second.WaitUntilRunning()) << pod->second.Get().dump(2);
  }

  // By the kubelet's own word.
  Holdings Held() const {
    Holdings holdings;
    for (const auto& [name, pod] : pods_) {
      holdings[pod.Get()["metadata"]["uid"]] = kubelet().HeldBy(name);
    }
    return holdings;
  }
  // By what is in the containers.
  Holdings SeenInContainers() const {
    Holdings holdings;
    for (const auto& [name, pod] : pods_) {
      auto& by_resource = holdings[pod.Get()["metadata"]["uid"]];
      for (const std::string& id : Lines(pod.Exec({"ls", "/dev"}).out)) {
        if (!id.starts_with(kPrefix)) continue;
        by_resource[id.find("port") == std::string::npos ? kPlug : kPort].insert(id);
      }
    }
    return holdings;
  }
  bool WaitUntilHeld(const Holdings& holdings) const {
    return WaitFor([&] { return Held() == holdings; }, kKubeletPace);
  }

  std::size_t LengthOfLog() const { return MustRead(Log()).size(); }
  std::string SaidSince(std::size_t length) const { return MustRead(Log()).substr(length); }

  std::map<std::string, Pod> pods_;
  std::optional<FakePlugin> plugs_;
  std::optional<FakePlugin> ports_;

 private:
  fs::path Log() const { return node_->Folder() / "kubelet.log"; }

  static std::unique_ptr<Node> node_;
};
std::unique_ptr<Node> Checkpoints::node_;

TEST_F(Checkpoints, DeviceManagerReadsWhatTheKubeletHasWritten) {
  const Holdings held = Held();
  EXPECT_EQ(held, SeenInContainers());
  EXPECT_EQ(HeldBy(File()), held);
}

TEST_F(Checkpoints, TheKubeletGoesOnFromWhatDeviceManagerHasWritten) {
  const Holdings held = Held();
  node().StopKubelet(SIGTERM);
  const std::string of_kubelet = MustRead(File());

  // device-manager takes the node over and writes the file anew when a plugin registers.
  std::string of_device_manager;
  {
    const auto device_manager = MakeDeviceManagerSubject();
    MustWrite(device_manager->paths().checkpoint(), of_kubelet);
    device_manager->Restart();
    FakePlugin guest(device_manager->paths().device_plugins() / "guest.sock", {"guest0"});
    ASSERT_TRUE(guest.Register(kGuest).ok());
    ASSERT_TRUE(WaitFor([&] { return device_manager->Shows(kGuest) == Node::Counts{1, 1}; }));
    ASSERT_TRUE(WaitFor([&] {
      of_device_manager = MustRead(device_manager->paths().checkpoint());
      return of_device_manager != of_kubelet;
    }));
    EXPECT_EQ(HeldBy(device_manager->paths().checkpoint()), held);
  }

  MustWrite(File(), of_device_manager);
  const std::size_t said = LengthOfLog();
  node().StartKubelet();
  EXPECT_TRUE(WaitUntilHeld(held));
  EXPECT_THAT(SaidSince(said), Not(HasSubstr(kRefusal)));
  // A resource that it can know from this file alone.
  EXPECT_TRUE(node().WaitUntilItShows(kGuest, {.capacity = 0, .allocatable = 0}));

  // What is held is not given again, and what runs was left alone.
  Announce();
  StartPod("late", {{kPlug, 1}});
  const Holdings with_late = Held();
  EXPECT_EQ(with_late, SeenInContainers());
  KubeletView::Ids all;  // the plugs that are held
  for (const auto& [pod, resources] : with_late) {
    const auto plugs = resources.find(kPlug);
    if (plugs != resources.end()) all.insert(plugs->second.begin(), plugs->second.end());
  }
  EXPECT_EQ(all.size(), 5u);
  for (const auto& [pod, resources] : held) EXPECT_EQ(with_late.at(pod), resources);
  for (const auto& [name, pod] : pods_) EXPECT_EQ(pod.Restarts(), 0) << name;
  EXPECT_EQ(HeldBy(File()), with_late);
}

TEST_F(Checkpoints, ADamagedOneIsRefusedByBoth) {
  node().StopKubelet(SIGTERM);
  // One device instead of another: JSON as before, which only the checksum gives away.
  std::string text = MustRead(File());
  const int replaced = absl::StrReplaceAll({{Ids("plug", 1)[0], Ids("other", 1)[0]}}, &text);
  ASSERT_GT(replaced, 0);
  MustWrite(File(), text);
  const CommandResult explained = Explain(File());
  EXPECT_EQ(explained.code, 1);
  EXPECT_THAT(explained.error, HasSubstr("Checksum: the file says"));

  const std::size_t said = LengthOfLog();
  node().StartKubelet();
  EXPECT_TRUE(WaitFor([&] { return SaidSince(said).find(kRefusal) != std::string::npos; }));
  Announce();
  EXPECT_TRUE(WaitFor([&] { return HeldBy(File()).empty(); }, std::chrono::milliseconds(50)));
}

}  // namespace
}  // namespace nodedevice::testing
