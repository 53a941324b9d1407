// What an API server may do to an agent, and what comes of it: plugins run on as the same
// processes, the administrator is told, the server is not hammered, and nothing is lost.

#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "lib/base/clock.h"
#include "tests/integration/agent/api_fixture.h"
#include "tests/support/scripted_api_server.h"

namespace nodedevice::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Call = FakeApiServer::Call;

constexpr char kConfigs[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs";
constexpr char kWatch[] = "WATCH ";

struct Fault {
  std::string name;
  int refusal = 0;  // this code; 0: what `answer` says
  FakeApiServer::Fault answer = {};
  std::string words;  // what the administrator is told of it
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.name; }

// The answer of somebody who is no API server: a request gets `text`, a watch `text` as its stream.
FakeApiServer::Fault Always(const std::string& text) {
  return [text](const Call& call) {
    return call.request.starts_with(kWatch)
               ? ChunkedHead() + Chunk(text + "\n") + std::string(kLastChunk)
               : HttpAnswerOf("200 OK", text);
  };
}

// Each watch gets these bytes, and is cut; all other requests are answered.
FakeApiServer::Fault EveryWatch(const std::string& bytes) {
  return [bytes](const Call& call) {
    return call.request.starts_with(kWatch) ? std::optional<std::string>(bytes) : std::nullopt;
  };
}

class ApiFaultsTest : public AgentInTheApiTest {
 protected:
  // An agent with the plugin "a", which has told all there is to tell.
  void StartWithOnePlugin() {
    StartDeviceManager();
    Configure({"a"});
    StartAgent();
    ASSERT_TRUE(BecomesReady("a"));
    ASSERT_TRUE(WaitFor([this] { return Status()["deviceManager"].contains("kubeletVersion"); }));
    ASSERT_TRUE(MetricsSay("nodedevice_config_stale 0"));
    pid_ = PidOf("a");
    ASSERT_NE(pid_, 0);
  }

  void Begin(const Fault& fault, const std::string& requests) {
    failures_ = server_.Failures();
    began_ = Clock::now();
    if (fault.refusal != 0) return server_.Refuse(requests, fault.refusal);
    server_.Fail([fault, requests](const Call& call) {
      return call.request.starts_with(requests) ? fault.answer(call) : std::nullopt;
    });
  }
  void End(const std::string& requests) {
    server_.Refuse(requests, 0);
    server_.Fail(nullptr);
  }
  int Failures() const { return server_.Failures() - failures_; }
  // The agent has met the fault, and tried again after a pause.
  bool MetTwice() const {
    return WaitFor([this] { return Failures() >= 2; });
  }
  // A try is up to three requests; tries grow rarer, from nearly one in a second on.
  void ExpectTheServerIsNotHammered() const {
    EXPECT_LE(Failures(), 4 + 4 * std::chrono::duration<double>(Clock::now() - began_).count());
  }

  void ExpectPluginsUntouched() const {
    EXPECT_FALSE(HasEnded(pid_));
    EXPECT_EQ(Allocatable("a"), 1);
    EXPECT_TRUE(WaitFor([this] { return Get("/readyz").status == 200; }));
    EXPECT_EQ(Get("/healthz").status, 200);
  }
  // The second version of the configuration, which brings the plugin "b", is in force, and the
  // NodeDeviceState says so.
  void ExpectTheEditArrives() const {
    EXPECT_TRUE(WaitFor([this] { return Allocatable("b") == 1; }));
    EXPECT_TRUE(WaitFor([this] { return Status()["observedGeneration"] == 2; }));
    EXPECT_TRUE(MetricsSay("nodedevice_config_stale 0"));
    EXPECT_EQ(PidOf("a"), pid_);
    ExpectPluginsUntouched();
  }

  int pid_ = 0;  // of the plugin "a"
  int failures_ = 0;
  TimePoint began_;
};

// ---- while the agent asks -----------------------------------------------------------------------

class ApiFaultsOfReadingTest : public ApiFaultsTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(ApiFaultsOfReadingTest, TakesNothingAwayIsToldAndLosesNoEdit) {
  const Fault& fault = GetParam();
  StartWithOnePlugin();
  Begin(fault, "");
  server_.EndStreams();
  ASSERT_TRUE(MetTwice());
  EXPECT_TRUE(LogSays("the API server cannot be asked for DevicePluginConfig rig: "));
  EXPECT_TRUE(LogSays(fault.words));
  EXPECT_TRUE(Says("/", fault.words));
  EXPECT_TRUE(MetricsSay("nodedevice_config_stale 1"));
  ExpectPluginsUntouched();
  ExpectTheServerIsNotHammered();
  Configure({"a", "b"});
  End("");
  ExpectTheEditArrives();
}

INSTANTIATE_TEST_SUITE_P(
    Faults, ApiFaultsOfReadingTest,
    ::testing::Values(
        Fault{.name = "Unauthorized", .refusal = 401, .words = "token is not accepted"},
        Fault{.name = "Forbidden", .refusal = 403, .words = "ServiceAccount lacks its ClusterRole"},
        Fault{.name = "Gone", .refusal = 410, .words = "410 Expired"},
        Fault{.name = "GoneInTheStream",
              .answer =
                  EveryWatch(ChunkedHead() +
                             Chunk(R"({"type":"ERROR","object":{"kind":"Status","code":410,)"
                                   R"("reason":"Expired","message":"too old resource version"}})"
                                   "\n") +
                             std::string(kLastChunk)),
              .words = "410 Expired: too old resource version"},
        Fault{.name = "TooManyRequests", .refusal = 429, .words = "429 TooManyRequests"},
        Fault{.name = "InternalError", .refusal = 500, .words = "500 InternalError"},
        Fault{.name = "Unavailable", .refusal = 503, .words = "503"},
        Fault{.name = "NotJson", .answer = Always("<html>"), .words = "is not JSON"},
        Fault{.name = "JsonOfAnotherShape",
              .answer = Always(R"({"metadata":[],"items":{"a":7},"type":"ADDED","object":null})"),
              .words = "answer is not a list"},
        Fault{.name = "Binary",
              .answer = [](const Call&) { return std::string("\x16\x00\xFF\r\n\r\n", 7); },
              .words = "Invalid HTTP status line"},
        Fault{.name = "NoAnswer",
              .answer = [](const Call&) { return std::string(); },
              .words = "watch of /apis/"},
        Fault{.name = "StreamCutInALine",
              .answer = EveryWatch(ChunkedHead() + Chunk(R"({"type":"MODIFIED","obj)")),
              .words = "watch of /apis/"},
        Fault{.name = "StreamEndsInALine",
              .answer = EveryWatch(ChunkedHead() + Chunk(R"({"type":"MODIFIED","obj)") +
                                   std::string(kLastChunk)),
              .words = "closed the watch at once"}),
    [](const auto& fault) { return fault.param.name; });

// ---- while the agent writes ---------------------------------------------------------------------

class ApiFaultsOfWritingTest : public ApiFaultsTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(ApiFaultsOfWritingTest, IsToldAndCaughtUpWith) {
  const Fault& fault = GetParam();
  StartWithOnePlugin();
  Begin(fault, "PATCH");
  Configure({"a", "b"});
  ASSERT_TRUE(MetTwice());
  EXPECT_TRUE(LogSays("the NodeDeviceState cannot be written, will try again: PATCH "));
  EXPECT_TRUE(LogSays(fault.words));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("b") == 1; })) << "what is read is not concerned";
  EXPECT_EQ(Status()["observedGeneration"], 1);
  ExpectTheServerIsNotHammered();
  End("PATCH");
  ExpectTheEditArrives();
  EXPECT_TRUE(LogSays("the NodeDeviceState is up to date again"));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, ApiFaultsOfWritingTest,
    ::testing::Values(
        Fault{.name = "Unauthorized", .refusal = 401, .words = "401 Unauthorized"},
        Fault{.name = "Forbidden", .refusal = 403, .words = "403 Forbidden"},
        Fault{.name = "NotFound", .refusal = 404, .words = "404 NotFound"},
        Fault{.name = "Conflict", .refusal = 409, .words = "409 "},
        Fault{.name = "TooManyRequests", .refusal = 429, .words = "429 TooManyRequests"},
        Fault{.name = "InternalError", .refusal = 500, .words = "500 InternalError"},
        Fault{.name = "NotJson", .answer = Always("<html>"), .words = "is not JSON"},
        Fault{.name = "NoObject", .answer = Always("{}"), .words = "no object came back"},
        Fault{.name = "NoAnswer",
              .answer = [](const Call&) { return std::string(); },
              .words = "w7.rig/status: "}),
    [](const auto& fault) { return fault.param.name; });

// ---- who is who ---------------------------------------------------------------------------------

TEST_F(ApiFaultsTest, AServerWhoseCertificateExpiresIsToldAndFollowedAgainWithANewOne) {
  StartWithOnePlugin();
  failures_ = server_.Failures();
  began_ = Clock::now();
  server_.ShowExpiredCertificate(true);
  ASSERT_TRUE(MetTwice());
  EXPECT_TRUE(MetricsSay("nodedevice_config_stale 1"));
  EXPECT_TRUE(LogSays("certificate has expired"));
  EXPECT_TRUE(Says("/", "certificate has expired"));
  ExpectPluginsUntouched();
  ExpectTheServerIsNotHammered();
  Configure({"a", "b"});
  server_.ShowExpiredCertificate(false);
  ExpectTheEditArrives();
}

TEST_F(ApiFaultsTest, ATokenThatIsRotatedIsReadWhenTheOldOneIsRefused) {
  const std::string token = dir_.Write("token", "first").string();
  dir_.Write("kubeconfig", server_.Kubeconfig(token));
  server_.Admit("first");
  StartWithOnePlugin();
  // The server is early: for a while the file still holds what it does not admit any more.
  failures_ = server_.Failures();
  server_.Admit("second");
  server_.EndStreams();
  ASSERT_TRUE(MetTwice());
  EXPECT_TRUE(MetricsSay("nodedevice_config_stale 1"));
  ExpectPluginsUntouched();
  dir_.Write("token", "second");
  Configure({"a", "b"});
  ExpectTheEditArrives();
  // The file is early: it was rotated before the server refused anything.
  dir_.Write("token", "third");
  server_.Admit("third");
  const int before = server_.Failures();
  Configure({"a"});
  EXPECT_TRUE(WaitFor([this] { return Status()["observedGeneration"] == 3; }));
  EXPECT_EQ(server_.Failures() - before, 1) << "the first write only, which is tried again at once";
}

// ---- what becomes of the objects ----------------------------------------------------------------

TEST_F(ApiFaultsTest, AConfigurationThatIsReplacedIsTheSameForThePlugins) {
  StartWithOnePlugin();
  Configure({"a", "b"});
  ExpectTheEditArrives();
  // As `kubectl replace --force` does; and the garbage collector takes what belonged to the old
  // one.
  server_.Remove(kRig);
  server_.Remove(kState);
  Configure({"a", "c"});
  const Json rig = *server_.Find(kRig);
  ASSERT_EQ(rig["metadata"]["generation"], 1);
  ASSERT_TRUE(WaitFor([this] { return Allocatable("c") == 1; }));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("b") == 0; }));
  EXPECT_TRUE(WaitFor([&] {
    const std::optional<Json> state = server_.Find(kState);
    return state && (*state)["metadata"]["ownerReferences"][0]["uid"] == rig["metadata"]["uid"] &&
           PidOf("c") != 0;
  }));
  EXPECT_EQ(Status()["observedGeneration"], 1);
  EXPECT_EQ(PidOf("a"), pid_);
  ExpectPluginsUntouched();
  EXPECT_THAT(Log(), Not(HasSubstr("was deleted")));
}

TEST_F(ApiFaultsTest, AConfigurationThatIsDeletedTakesItsPluginsAndIsTakenUpWhenItIsMadeAnew) {
  StartWithOnePlugin();
  server_.Remove(kRig);
  server_.Remove(kState);
  ASSERT_TRUE(LogSays("DevicePluginConfig rig was deleted"));
  EXPECT_TRUE(Says("/readyz", "DevicePluginConfig rig was deleted"));
  EXPECT_TRUE(WaitFor([this] { return HasEnded(pid_); }));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("a") == 0; }));
  Configure({"a"});
  EXPECT_TRUE(WaitFor([this] { return Allocatable("a") == 1; }));
  // A last word about the old one may have made the state anew before.
  const Json uid = (*server_.Find(kRig))["metadata"]["uid"];
  EXPECT_TRUE(WaitFor([&] {
    const std::optional<Json> state = server_.Find(kState);
    return state && (*state)["metadata"]["ownerReferences"][0]["uid"] == uid &&
           Ready() == "True AllRegistered" && PidOf("a") != pid_;
  }));
}

TEST_F(ApiFaultsTest, AnotherConfigurationIsNotItsConcern) {
  const std::string other = std::string(kConfigs) + "/other";
  server_.Put(other, ConfigOf({"x"}));
  StartWithOnePlugin();
  server_.Put(other, ConfigOf({"x", "y"}));
  server_.Remove(other);
  server_.Put(other, ConfigOf({"z"}));
  Configure({"a", "b"});
  ExpectTheEditArrives();
  for (const char* plugin : {"x", "y", "z"}) EXPECT_EQ(Allocatable(plugin), -1) << plugin;
  EXPECT_THAT(Log(), Not(AnyOf(HasSubstr("other"), HasSubstr("was deleted"))));
}

// The definition is gone (or a server that starts does not know it yet): whether the object is gone
// too nobody has said.
TEST_F(ApiFaultsTest, AKindThatTheServerDoesNotKnowAnyMoreTakesNothingAway) {
  StartWithOnePlugin();
  server_.Refuse("", 404);
  server_.EndStreams();
  EXPECT_TRUE(LogSays("does not know DevicePluginConfigs: apply the files of crds/"));
  EXPECT_TRUE(Says("/", "does not know DevicePluginConfigs: apply the files of crds/"));
  EXPECT_TRUE(MetricsSay("nodedevice_config_stale 1"));
  ExpectPluginsUntouched();
}

TEST_F(ApiFaultsTest, AKindThatWasNeverThereIsTold) {
  server_.Refuse("", 404);
  StartDeviceManager();
  StartAgent();
  EXPECT_TRUE(Says("/readyz", "does not know DevicePluginConfigs: apply the files of crds/"));
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/healthz").status, 200);
}

// More than a frame of a watch may hold; a list may hold it.
TEST_F(ApiFaultsTest, AnObjectOfTwentyMegabytesArrives) {
  StartWithOnePlugin();
  Json huge = ConfigOf({"a", "b"});
  huge["metadata"]["annotations"]["somebody.example/notes"] = std::string(20'000'000, 'x');
  server_.Put(kRig, huge);
  ExpectTheEditArrives();
  EXPECT_THAT(Log(), HasSubstr("a frame of the watch is larger than"));
}

}  // namespace
}  // namespace nodedevice::testing
