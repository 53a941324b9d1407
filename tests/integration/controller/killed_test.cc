// The controller is killed at each of its writes in turn, right before the API server takes it or
// right after, and started again: wherever that was, the cluster ends up the same.

#include "absl/strings/str_cat.h"
#include "tests/integration/controller/killed_fixture.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

class KilledTest : public KilledAtAWrite<ControllerTest> {
 protected:
  // A cluster's life in short.
  void Play() {
    Configure("shop", ConfigFor("a", "one"));
    controller_ = Launch("controller-x");
    ASSERT_TRUE(Until([this] { return server_.Find(DaemonSetOf("shop")).has_value(); }));
    BeWell("shop", {"w1", "w2"});
    ASSERT_TRUE(UntilCondition("shop", "Progressing", "False AsDesired"));
    // A node leaves.
    server_.Put("/api/v1/nodes/w2", NodeWith({{"rack", "b"}}));
    server_.Remove("/api/v1/namespaces/node-device/pods/agent-shop-w2");
    ASSERT_TRUE(
        Until([this] { return !server_.Find(absl::StrCat(kStates, "/w2.shop")).has_value(); }));
    // Somebody asks for the same resource once more, and for another one.
    Json rival = ConfigFor("a", "one");
    rival["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z";
    Configure("rival", rival);
    ASSERT_TRUE(UntilCondition("rival", "ConfigAccepted", "False ResourceConflict"));
    Configure("more", ConfigFor("b", "two"));
    ASSERT_TRUE(Until([this] { return server_.Find(DaemonSetOf("more")).has_value(); }));
    // An edit.
    Json edited = server_.Find(PathOf("shop")).value();
    edited["spec"]["tolerations"] = Json::array({{{"operator", "Exists"}}});
    server_.Put(PathOf("shop"), edited);
    ASSERT_TRUE(Until([this] {
      return server_.Find(DaemonSetOf("shop"))
                 .value()["spec"]["template"]["spec"]["tolerations"]
                 .dump()
                 .find(R"({"operator":"Exists"})") != std::string::npos;
    }));
    BeWell("shop", {"w1"});
    ASSERT_TRUE(UntilCondition("shop", "Progressing", "False AsDesired"));
    ASSERT_TRUE(Until([this] {
      const Json status = server_.Find(PathOf("shop")).value()["status"];
      return status["nodes"] == 1 && status["observedGeneration"] == 2;
    }));
    server_.Remove(PathOf("more"));
    ASSERT_TRUE(Until([this] { return !server_.Find(DaemonSetOf("more")).has_value(); }));
    // What held before the edit held for generation 1: the end is when nothing is left to be done.
    ASSERT_TRUE(UntilCondition("shop", "Available", "True AllNodesReady"));
    ASSERT_TRUE(UntilCondition("shop", "Progressing", "False AsDesired"));
  }

  // What is left of it, without what tells times and versions.
  Json End() const {
    Json end;
    for (const Json& set : server_.In(kDaemonSets)) {
      Json spec = set["spec"];
      end["daemonSets"][set["metadata"]["name"].get<std::string>()] = std::move(spec);
    }
    for (const Json& state : server_.In(kStates)) {
      end["states"].push_back(state["metadata"]["name"]);
    }
    for (const char* config : {"shop", "rival"}) {
      Json status = server_.Find(PathOf(config)).value()["status"];
      for (Json& condition : status["conditions"]) condition.erase("lastTransitionTime");
      end["statuses"][config] = std::move(status);
    }
    return end;
  }
};

// The longest way that the parameters below have to cover.
constexpr int kMostWrites = 24;

TEST_F(KilledTest, TheStoryHasNoMoreWritesThanAreTried) {
  Arm({});
  Play();
  EXPECT_GE(writes_, 10);
  EXPECT_LE(writes_, kMostWrites) << "try to kill it at the others as well";
}

TEST_P(KilledTest, TheClusterEndsUpTheSame) {
  Arm({});
  Play();
  ASSERT_FALSE(HasFailure());
  const Json undisturbed = End();

  // Everything anew.
  controller_->Signal(SIGKILL);
  controller_->Wait();
  for (const char* config : {"shop", "rival"}) server_.Remove(PathOf(config));
  for (const Json& set : server_.In(kDaemonSets)) {
    server_.Remove(absl::StrCat(kDaemonSets, "/", set["metadata"]["name"].get<std::string>()));
  }
  for (const Json& state : server_.In(kStates)) {
    server_.Remove(absl::StrCat(kStates, "/", state["metadata"]["name"].get<std::string>()));
  }
  server_.Remove(kLease);
  server_.Put("/api/v1/nodes/w2", NodeWith({{"rack", "a"}}));
  Arm(GetParam());
  Play();
  Until([&] { return End() == undisturbed; });
  EXPECT_EQ(End(), undisturbed);
}

INSTANTIATE_TEST_SUITE_P(Writes, KilledTest, ::testing::ValuesIn(BeforeAndAfterEachOf(kMostWrites)),
                         KillName);

}  // namespace
}  // namespace nodedevice::testing
