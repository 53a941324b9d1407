#include "tests/soak/checks.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::soak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Json = nlohmann::json;

// What is seen of a node on which all is well.
Json KubeletOf(const Node& node) {
  Json resources = Json::array();
  for (const auto& [name, entry] : node.entries) {
    if (!entry.configured) continue;
    resources.push_back({{"name", ResourceOf(name)},
                         {"capacity", node.Announced(name).size()},
                         {"allocatable", node.Healthy(name).size()},
                         {"allocated", node.InUse(name).size()},
                         {"connected", true}});
  }
  Json pods = Json::array();
  for (const auto& [pod, containers] : node.pods) {
    Json devices = Json::object();
    for (const auto& [container, held] : containers) {
      for (const auto& [entry, ids] : held) devices[container][ResourceOf(entry)] = ids;
    }
    pods.push_back({{"uid", pod}, {"devices", devices}});
  }
  return {{"resources", resources}, {"pods", pods}};
}

Seen SeenOf(const Node& node) {
  Seen seen{.ready_status = 200, .agent = 10};
  seen.processes.push_back({.pid = 11, .parent = 10, .entry = ""});
  seen.series = {{"nodedevice_device_manager_up", 1}, {"nodedevice_config_rejected", 0}};
  for (const auto& [name, entry] : node.entries) {
    if (!entry.configured) continue;
    const std::string label = "{resource=\"" + ResourceOf(name) + "\"";
    const auto healthy = static_cast<double>(node.Healthy(name).size());
    const auto all = static_cast<double>(node.Announced(name).size());
    seen.series["nodedevice_devices" + label + ",health=\"Healthy\"}"] = healthy;
    seen.series["nodedevice_devices" + label + ",health=\"Unhealthy\"}"] = all - healthy;
    seen.series["nodedevice_devices_accepted" + label + "}"] = healthy;
    seen.series["nodedevice_devices_allocated" + label + "}"] =
        static_cast<double>(node.InUse(name).size());
    seen.series["nodedevice_stream_connected" + label + "}"] = 1;
    seen.processes.push_back({.pid = 12, .parent = 10, .entry = name, .revision = entry.revision});
  }
  return seen;
}

class ChecksTest : public ::testing::Test {
 protected:
  ChecksTest() {
    node_.Unplug("tty", 1);
    node_.pods["a"] = {{"c0", {{"tty", {"tty0"}}}}};
    kubelet_ = KubeletOf(node_);
    seen_ = SeenOf(node_);
  }

  Node node_ = Node::First(Source::kFile);
  Json kubelet_;
  Seen seen_;
};

TEST_F(ChecksTest, AreContentWithANodeAsItMustBe) {
  EXPECT_THAT(PodsDiffer(node_, kubelet_), IsEmpty());
  EXPECT_THAT(KubeletDiffers(node_, kubelet_), IsEmpty());
  EXPECT_THAT(AgentDiffers(node_, seen_), IsEmpty());
}

TEST_F(ChecksTest, FindEveryNumberAtTheKubelet) {
  for (const char* field : {"capacity", "allocatable", "allocated"}) {
    Json wrong = kubelet_;
    wrong["resources"][0][field] = 77;
    EXPECT_THAT(KubeletDiffers(node_, wrong), ElementsAre(HasSubstr("is 77 and should be")))
        << field;
  }
  kubelet_["resources"][0]["connected"] = false;
  EXPECT_THAT(KubeletDiffers(node_, kubelet_), ElementsAre(HasSubstr("connection is 0")));
  kubelet_["resources"].erase(0);
  EXPECT_THAT(KubeletDiffers(node_, kubelet_), ElementsAre(HasSubstr("the kubelet does not know")));
}

TEST_F(ChecksTest, FindWhatARemovedEntryHasLeftBehind) {
  node_.Remove("cam");
  EXPECT_THAT(KubeletDiffers(node_, kubelet_),
              ElementsAre(HasSubstr("cam's capacity is 4 and should be 0"),
                          HasSubstr("cam's allocatable is 4"), HasSubstr("cam's connection is 1")));
  EXPECT_THAT(AgentDiffers(node_, seen_),
              testing::Contains(HasSubstr("the number of processes of cam is 1 and should be 0")));
}

TEST_F(ChecksTest, FindADeviceThatTwoHold) {
  kubelet_["pods"].push_back(
      {{"uid", "b"}, {"devices", {{"c0", {{"example.com/tty", {"tty0-1"}}}}}}});
  EXPECT_THAT(PodsDiffer(node_, kubelet_),
              ElementsAre("given to two at once: tty0",
                          "pods hold a/c0: tty0; b/c0: tty0 and should hold a/c0: tty0"));
}

TEST_F(ChecksTest, FindAPodThatHasLostItsDevices) {
  kubelet_["pods"] = Json::array();
  EXPECT_THAT(PodsDiffer(node_, kubelet_),
              ElementsAre("pods hold nothing and should hold a/c0: tty0"));
}

TEST_F(ChecksTest, FindOrphansAndProcessesThatAreMissingOrTooMany) {
  seen_.processes[1].parent = 1;
  seen_.processes.push_back({.pid = 13, .parent = 10, .entry = "part"});
  seen_.processes.erase(seen_.processes.begin());  // the observer
  EXPECT_THAT(AgentDiffers(node_, seen_),
              ElementsAre(HasSubstr("is an orphan: its parent is 1"),
                          "the number of processes of part is 2 and should be 1",
                          "the number of observers is 0 and should be 1"));
}

TEST_F(ChecksTest, FindAProcessOfAnEntryAsItWas) {
  node_.Configure("tty", 1, 1);
  node_.Plug("tty", 1);
  seen_ = SeenOf(node_);
  EXPECT_THAT(AgentDiffers(node_, seen_), IsEmpty());
  seen_.processes.back().revision = 0;
  EXPECT_THAT(AgentDiffers(node_, seen_),
              ElementsAre("the revision that process 12 of tty was started with is 0 and should "
                          "be 1"));
}

TEST_F(ChecksTest, FindARestartThatNobodyHasCaused) {
  const char* const series = "nodedevice_plugin_restarts_total{plugin=\"tty\",reason=\"exited\"}";
  seen_.series[series] = 1;
  EXPECT_THAT(AgentDiffers(node_, seen_),
              ElementsAre("tty was restarted 1 times and was killed only 0 times"));
  node_.entries.at("tty").kills = 1;
  EXPECT_THAT(AgentDiffers(node_, seen_), IsEmpty());
}

TEST_F(ChecksTest, FindAnAgentThatIsNotReadyOrSaysNothing) {
  seen_.ready_status = 503;
  seen_.ready_body = "plugin tty: Starting";
  EXPECT_THAT(AgentDiffers(node_, seen_), ElementsAre("/readyz says 503: plugin tty: Starting"));
  EXPECT_THAT(AgentDiffers(node_, Seen()), ElementsAre("the agent does not answer"));
}

TEST_F(ChecksTest, ReadSeries) {
  EXPECT_THAT(ParseSeries("# HELP a b\na{b=\"c d\"} 3\nd 0.5\n"),
              ElementsAre(testing::Pair("a{b=\"c d\"}", 3), testing::Pair("d", 0.5)));
}

}  // namespace
}  // namespace nodedevice::soak
