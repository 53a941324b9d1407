#include "agent/node_reporter.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/support/scripted_api_server.h"
#include "tests/unit/agent/api_fixture.h"
#include "tests/unit/agent/log_capture.h"
#include "tests/unit/agent/sample_snapshot.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

const std::string kState = std::string(kStates) + "/w7.rig";

Snapshot Node() {
  Snapshot snapshot = HealthyNode();
  snapshot.config.source = "DevicePluginConfig rig";
  snapshot.config.name = "rig";
  snapshot.config.uid = "1-2-3";
  return snapshot;
}

// As many plugins that keep crashing.
Snapshot CrashLoops(int plugins) {
  Snapshot snapshot = Node();
  snapshot.plugins.clear();
  for (int i = 0; i < plugins; ++i) {
    PluginStatus& plugin = snapshot.plugins.emplace_back();
    plugin.name = absl::StrCat("p", i);
    plugin.resource_name = absl::StrCat("example.com/p", i);
    plugin.phase = PluginPhase::kBackingOff;
    plugin.failures = 3;
  }
  return snapshot;
}

class NodeReporterTest : public ApiTest {
 protected:
  NodeReporterTest() { MakeReporter({"w7", "rig", "agent-x"}); }
  void MakeReporter(const NodeIdentity& identity) {
    reporter_ = std::make_unique<NodeReporter>(loop_, *worker_, *client_, identity, 1);
  }

  void See(const Snapshot& snapshot) {
    reporter_->Observe(last_, snapshot);
    last_ = snapshot;
  }
  json Status() const {
    const std::optional<json> state = server_.Find(kState);
    return state ? state->value("status", json::object()) : json::object();
  }
  bool Writes(std::int64_t generation) {
    return Until([&] { return Status().value("observedGeneration", -1) == generation; });
  }
  int Patches() const { return server_.Count("PATCH "); }
  int Posts() const { return server_.Count("POST "); }
  std::vector<json> Events() const { return server_.In(kEvents); }
  // Ends with a last state; how long that took.
  Duration Finish() {
    const TimePoint start = Clock::now();
    bool done = false;
    reporter_->Finish([&done] { done = true; });
    EXPECT_TRUE(Until([&done] { return done; }));
    return Clock::now() - start;
  }

  LogCapture log_;
  Snapshot last_ = Node();
  std::unique_ptr<NodeReporter> reporter_;
};

TEST_F(NodeReporterTest, WritesTheObjectAndItsStatus) {
  See(Node());
  ASSERT_TRUE(Writes(4));
  const json state = *server_.Find(kState);
  EXPECT_EQ(state["spec"], json::parse(R"({"nodeName": "w7", "configName": "rig"})"));
  EXPECT_EQ(state["metadata"]["ownerReferences"][0]["uid"], "1-2-3");
  EXPECT_EQ(state["status"]["agent"]["podName"], "agent-x");
  Drain();
  EXPECT_EQ(Patches(), 2);
  EXPECT_EQ(Posts(), 0);
}

TEST_F(NodeReporterTest, WritesOnceForEachChangeAndNotAtAllWithoutOne) {
  See(Node());
  ASSERT_TRUE(Writes(4));
  Drain();
  const int before = Patches();
  Snapshot same = Node();
  for (int i = 0; i < 10; ++i) {
    same.looked_at += std::chrono::seconds(5);
    same.plugins[0].resources[0].list_updates += 1;
    See(same);
    Drain();
  }
  EXPECT_EQ(Patches(), before);
  same.plugins[0].pid = 4;
  See(same);
  ASSERT_TRUE(Until([this] { return Status()["plugins"][0]["pid"] == 4; }));
  Drain();
  EXPECT_EQ(Patches(), before + 1) << "the status only";
}

TEST_F(NodeReporterTest, MakesTheObjectAnewWhenSomebodyDeletedIt) {
  See(Node());
  ASSERT_TRUE(Writes(4));
  Drain();
  server_.Remove(kState);
  Snapshot next = Node();
  next.config.generation = 5;
  See(next);
  ASSERT_TRUE(Writes(5));
  EXPECT_EQ((*server_.Find(kState))["spec"]["nodeName"], "w7");
}

TEST_F(NodeReporterTest, FollowsAConfigurationThatWasMadeAnew) {
  See(Node());
  ASSERT_TRUE(Writes(4));
  Snapshot next = Node();
  next.config.uid = "another";
  next.config.generation = 1;
  See(next);
  ASSERT_TRUE(Writes(1));
  const json owners = (*server_.Find(kState))["metadata"]["ownerReferences"];
  EXPECT_EQ(owners.size(), 1u);
  EXPECT_EQ(owners[0]["uid"], "another");
}

TEST_F(NodeReporterTest, WritesNoObjectForAConfigurationThatIsNotThere) {
  Snapshot none = Node();
  none.config = {.source = "DevicePluginConfig rig", .name = "rig"};
  See(none);
  Drain();
  EXPECT_EQ(server_.Find(kState), std::nullopt);
  EXPECT_EQ(log_.text(), "");
  See(Node());
  ASSERT_TRUE(Writes(4));
}

TEST_F(NodeReporterTest, CatchesUpWithTheNewestStateWhenTheServerIsBack) {
  server_.Refuse("PATCH", 503);
  See(Node());
  ASSERT_TRUE(Until([this] { return Patches() > 0; }));
  for (const int generation : {5, 6, 7}) {
    Snapshot next = Node();
    next.config.generation = generation;
    See(next);
  }
  Drain();
  server_.Refuse("PATCH", 0);
  ASSERT_TRUE(Writes(7));
  Drain();
  EXPECT_THAT(log_.text(), AllOf(HasSubstr("the NodeDeviceState cannot be written, will try again: "
                                           "PATCH " +
                                           kState + ": 503"),
                                 HasSubstr("the NodeDeviceState is up to date again")));
}

TEST_F(NodeReporterTest, DoesNotWaitForItsNextTryWhenTheServerIsKnownToBeBack) {
  See(Node());
  Drain();
  for (const char* method : {"PATCH", "POST"}) server_.Refuse(method, 503);
  Snapshot away = CrashLoops(1);
  away.config.stale = "connection refused";
  See(away);
  Drain();
  ASSERT_EQ(Posts(), 1);
  for (const char* method : {"PATCH", "POST"}) server_.Refuse(method, 0);
  See(CrashLoops(1));
  Drain();
  EXPECT_EQ(Status()["plugins"][0]["phase"], "BackingOff");
  EXPECT_THAT(Events(), ::testing::SizeIs(1));
}

// A proxy that says 200 to everything has kept nothing.
TEST_F(NodeReporterTest, DoesNotTakeAnAnswerWithoutAnObjectForASuccess) {
  server_.Fail([](const FakeApiServer::Call& call) {
    return call.request.starts_with("PATCH") ? std::optional(HttpAnswerOf("200 OK", "{}"))
                                             : std::nullopt;
  });
  See(Node());
  ASSERT_TRUE(
      Until([this] { return log_.text().find("no object came back") != std::string::npos; }));
  server_.Fail(nullptr);
  ASSERT_TRUE(Writes(4)) << "though nothing changes";
}

TEST_F(NodeReporterTest, PostsAnEventAgainWhenNobodyKnowsWhetherItArrived) {
  server_.Fail([](const FakeApiServer::Call& call) {
    return call.request.starts_with("POST") ? std::optional(HttpAnswerOf("200 OK", "<html>"))
                                            : std::nullopt;
  });
  See(CrashLoops(1));
  ASSERT_TRUE(Until([this] { return Posts() == 1; }));
  Drain();
  server_.Fail(nullptr);
  ASSERT_TRUE(Until([this] { return !Events().empty(); }));
  EXPECT_THAT(log_.text(), Not(HasSubstr("an event was not taken")));
}

TEST_F(NodeReporterTest, PostsAnEventAboutTheState) {
  See(Node());
  Snapshot down = Node();
  down.device_manager.up = false;
  down.device_manager.problem = "Connection refused";
  See(down);
  ASSERT_TRUE(Until([this] { return !Events().empty(); }));
  json event = Events()[0];
  EXPECT_THAT(event["metadata"]["name"].get<std::string>(), MatchesRegex("w7\\.rig\\.[0-9a-f]+"));
  EXPECT_THAT(event["eventTime"].get<std::string>(), MatchesRegex("[0-9-]+T[0-9:]+\\.[0-9]{6}Z"));
  for (const char* key : {"eventTime", "metadata"}) event.erase(key);
  const json expected = {
      {"apiVersion", "events.k8s.io/v1"},
      {"kind", "Event"},
      {"type", "Warning"},
      {"reason", "DeviceManagerDown"},
      {"action", "Waiting"},
      {"note",
       "The kubelet's Device Manager does not answer: Connection refused. Plugins are kept and "
       "register again when it is back."},
      {"reportingController", "nodedevices.io/node-device-agent"},
      {"reportingInstance", "agent-x"},
      {"regarding",
       {{"apiVersion", "nodedevices.io/v1alpha1"},
        {"kind", "NodeDeviceState"},
        {"name", "w7.rig"},
        {"uid", (*server_.Find(kState))["metadata"]["uid"]}}},
      {"related", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", "w7"}}}};
  EXPECT_EQ(event, expected);
}

TEST_F(NodeReporterTest, PostsNoEventBeforeThereIsAState) {
  server_.Refuse("PATCH", 503);
  See(CrashLoops(2));
  ASSERT_TRUE(Until([this] { return Patches() > 0; }));
  Drain();
  EXPECT_EQ(Posts(), 0);
  server_.Refuse("PATCH", 0);
  ASSERT_TRUE(Until([this] { return Events().size() == 2; }));
  EXPECT_EQ(Events()[1]["regarding"]["uid"], (*server_.Find(kState))["metadata"]["uid"]);
}

TEST_F(NodeReporterTest, KeepsTheNewestEventsWhileTheServerDoesNotTakeThem) {
  server_.Refuse("POST", 429);
  See(CrashLoops(EventWriter::kMostEvents + 6));
  ASSERT_TRUE(Until([this] { return Posts() > 0; }));
  Drain();
  EXPECT_EQ(Posts(), 1) << "one at a time";
  server_.Refuse("POST", 0);
  ASSERT_TRUE(Until([this] { return Events().size() == EventWriter::kMostEvents; }));
  Drain();
  std::set<std::string> names;
  for (const json& event : Events()) names.insert(event["metadata"]["name"]);
  EXPECT_EQ(names.size(), EventWriter::kMostEvents);
  // By name they come as p0, p1, p2 ... the first six are given up.
  EXPECT_THAT(Events().front()["note"].get<std::string>(), HasSubstr("Plugin p6 "));
  EXPECT_THAT(Events().back()["note"].get<std::string>(), HasSubstr("Plugin p69 "));
}

TEST_F(NodeReporterTest, GivesUpAnEventThatTheServerWillNeverTake) {
  server_.Refuse("POST", 403);
  See(CrashLoops(2));
  ASSERT_TRUE(Until([this] { return Posts() == 2; }));
  Drain();
  EXPECT_THAT(log_.text(), HasSubstr("an event was not taken: POST"));
  server_.Refuse("POST", 0);
  See(CrashLoops(3));
  ASSERT_TRUE(Until([this] { return !Events().empty(); }));
  Drain();
  EXPECT_EQ(Events().size(), 1u);
}

TEST_F(NodeReporterTest, AnEventThatIsThereAlreadyWasTaken) {
  server_.Refuse("POST", 409);
  See(CrashLoops(1));
  ASSERT_TRUE(Until([this] { return Posts() == 1; }));
  Drain();
  EXPECT_EQ(log_.text(), "");
}

TEST_F(NodeReporterTest, NamesAndNotesOfEventsAreAsTheApiWantsThem) {
  // Cut after 200 characters, this name would end with a dot.
  MakeReporter({std::string(199, 'n'), "rig", ""});
  Snapshot snapshot = CrashLoops(1);
  while (snapshot.plugins[0].last_exit.size() < 2000) snapshot.plugins[0].last_exit += "\u20ac";
  See(snapshot);
  ASSERT_TRUE(Until([this] { return !Events().empty(); }));
  const json event = Events()[0];
  EXPECT_THAT(event["metadata"]["name"].get<std::string>(), MatchesRegex("n{199}\\.[0-9a-f]+"));
  EXPECT_LE(event["note"].get<std::string>().size(), 1024u);
  EXPECT_EQ(event["reportingInstance"], std::string(128, 'n')) << "the node, without a pod";
}

TEST_F(NodeReporterTest, EndsAtOnceWhenEverythingHasBeenSaid) {
  See(Node());
  ASSERT_TRUE(Writes(4));
  Drain();
  const int before = Patches();
  Finish();
  EXPECT_EQ(Patches(), before);
}

TEST_F(NodeReporterTest, WritesLastWordsWithoutWaitingForItsTurn) {
  // More changes than a burst holds: the last would wait for 5 s.
  for (int generation = 4; generation < 4 + LatestWriter::kBurst; ++generation) {
    Snapshot next = Node();
    next.config.generation = generation;
    See(next);
    ASSERT_TRUE(Writes(generation));
    Drain();
  }
  Snapshot stopping = Node();
  stopping.stopping = true;
  See(stopping);
  Drain();
  ASSERT_NE(Status()["conditions"][2]["reason"], "AgentStopping");
  Finish();
  EXPECT_EQ(Status()["conditions"][2]["reason"], "AgentStopping");
}

TEST_F(NodeReporterTest, DoesNotWaitLongForAServerThatDoesNotAnswer) {
  See(Node());
  ASSERT_TRUE(Writes(4));
  server_.Hang(true);
  Snapshot stopping = Node();
  stopping.stopping = true;
  See(stopping);
  const Duration took = Finish();
  EXPECT_GE(took, NodeReporter::kLastWords);
  EXPECT_LT(took, 5 * NodeReporter::kLastWords);
}

TEST_F(NodeReporterTest, TriesLastWordsAgainButDoesNotHammerAServerThatRefuses) {
  See(Node());
  ASSERT_TRUE(Writes(4));
  Drain();
  server_.Refuse("PATCH", 503);
  Snapshot stopping = Node();
  stopping.stopping = true;
  See(stopping);
  const int before = Patches();
  Finish();
  EXPECT_GE(Patches() - before, 2);
  EXPECT_LE(Patches() - before, 8);
}

TEST_F(NodeReporterTest, FiguresOfDevicesInUseAreNotWritten) {
  Snapshot snapshot = Node();
  See(snapshot);
  ASSERT_TRUE(Writes(4));
  Drain();
  const int patches = Patches();
  for (std::uint64_t sample = 1; sample < 10; ++sample) {
    snapshot.plugins[0].resources[0].figures = {
        .number = sample,
        .valid = std::chrono::seconds(90),
        .devices = {{.id = "kvm0", .memory_used_bytes = sample}}};
    See(snapshot);
  }
  Finish();
  EXPECT_EQ(Patches(), patches);
  EXPECT_EQ(Posts(), 0);
}

}  // namespace
}  // namespace nodedevice::testing
