#include "agent/config_object.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/api_fixture.h"

namespace nodedevice::testing {
namespace {

const std::string kRig = std::string(kConfigs) + "/rig";

class ConfigObjectTest : public ApiTest {
 protected:
  void Follow(const std::string& name = "rig") {
    object_ = std::make_unique<ConfigObject>(
        loop_, *worker_, *client_, name,
        ConfigSource::Callbacks{
            .on_accepted =
                [this](const DevicePluginConfig& config) { accepted_.push_back(config); },
            .on_status = [this] { stale_ |= !object_->status().stale.empty(); }},
        1);
    object_->Start();
  }
  // The one plugin of what was accepted last; empty: there is none.
  std::string plugin() const {
    return accepted_.empty() || accepted_.back().plugins.empty() ? ""
                                                                 : accepted_.back().plugins[0].name;
  }
  bool Accepts(const std::string& plugin_name) {
    return Until([&] { return plugin() == plugin_name; });
  }
  bool SaysError(const std::string& text) {
    return Until([&] { return object_->status().error.find(text) != std::string::npos; });
  }
  // What is known is fresh, and a watch waits for more.
  bool Watches() {
    return Until([&] {
      return object_->status().stale.empty() && server_.Count("WATCH " + std::string(kConfigs)) > 0;
    });
  }
  const ConfigStatus& status() const { return object_->status(); }

  std::vector<DevicePluginConfig> accepted_;
  bool stale_ = false;  // it once was
  std::unique_ptr<ConfigObject> object_;
};

TEST_F(ConfigObjectTest, ReadsTheObjectOfItsName) {
  server_.Put(std::string(kConfigs) + "/other", ConfigWith("b"));
  server_.Put(kRig, ConfigWith("a"));
  Follow();
  EXPECT_EQ(status().source, "DevicePluginConfig rig");
  EXPECT_EQ(status().name, "rig");
  EXPECT_EQ(status().stale, "the API server has not answered yet");
  ASSERT_TRUE(Accepts("a"));
  EXPECT_TRUE(status().accepted);
  EXPECT_EQ(status().generation, 1);
  EXPECT_EQ(status().error, "");
  EXPECT_EQ(status().uid, (*server_.Find(kRig))["metadata"]["uid"]);
  EXPECT_TRUE(Until([this] { return status().stale.empty(); }));
  EXPECT_EQ(accepted_.size(), 1u);
}

TEST_F(ConfigObjectTest, WaitsForAnObjectAndFollowsItsEdits) {
  Follow();
  ASSERT_TRUE(SaysError("there is no DevicePluginConfig rig"));
  EXPECT_FALSE(status().accepted);
  EXPECT_EQ(status().uid, "");
  server_.Put(kRig, ConfigWith("a"));
  ASSERT_TRUE(Accepts("a"));
  EXPECT_EQ(status().error, "");
  server_.Put(kRig, ConfigWith("b"));
  ASSERT_TRUE(Accepts("b"));
  EXPECT_EQ(status().generation, 2);
}

TEST_F(ConfigObjectTest, ABadEditKeepsTheLastGoodOne) {
  server_.Put(kRig, ConfigWith("a"));
  Follow();
  ASSERT_TRUE(Accepts("a"));
  nlohmann::json bad = ConfigWith("b");
  bad["spec"]["plugins"][0]["resourceName"] = "widget";
  server_.Put(kRig, bad);
  ASSERT_TRUE(SaysError("spec.plugins[0].resourceName: 'widget'"));
  EXPECT_TRUE(status().accepted);
  EXPECT_EQ(status().generation, 1) << "of the one in force";
  EXPECT_EQ(plugin(), "a");
  EXPECT_FALSE(status().error.ends_with('\n'));
  server_.Put(kRig, ConfigWith("c"));
  ASSERT_TRUE(Accepts("c"));
  EXPECT_EQ(status().error, "");
  EXPECT_EQ(status().generation, 3);
}

TEST_F(ConfigObjectTest, ADeletedOneIsWithdrawnAfterAMoment) {
  server_.Put(kRig, ConfigWith("a"));
  Follow();
  ASSERT_TRUE(Accepts("a"));
  ASSERT_TRUE(Watches());
  const TimePoint deleted = Clock::now();
  server_.Remove(kRig);
  ASSERT_TRUE(SaysError("DevicePluginConfig rig was deleted"));
  EXPECT_GE(Clock::now() - deleted, ConfigObject::kMayComeBack);
  EXPECT_TRUE(accepted_.back().plugins.empty());
  EXPECT_FALSE(status().accepted);
  EXPECT_EQ(status().generation, 0);
  EXPECT_EQ(status().uid, "");
  server_.Put(kRig, ConfigWith("b"));
  ASSERT_TRUE(Accepts("b"));
  EXPECT_EQ(status().error, "");
}

TEST_F(ConfigObjectTest, OneThatIsBeingDeletedCountsAsGone) {
  server_.Put(kRig, ConfigWith("a"));
  Follow();
  ASSERT_TRUE(Accepts("a"));
  ASSERT_TRUE(Watches());
  EXPECT_FALSE(object_->was_deleted());
  nlohmann::json held = *server_.Find(kRig);
  held["metadata"]["finalizers"] = {"example.com/wait"};
  held["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  server_.Put(kRig, held);
  ASSERT_TRUE(Until([this] { return object_->was_deleted(); }));
  EXPECT_TRUE(status().accepted) << "it may come back";
  ASSERT_TRUE(SaysError("DevicePluginConfig rig was deleted"));
  EXPECT_FALSE(object_->was_deleted()) << "and is withdrawn by now";
}

TEST_F(ConfigObjectTest, OneThatIsDeletedAndMadeAnewTakesNoPluginAway) {
  server_.Put(kRig, ConfigWith("a"));
  Follow();
  ASSERT_TRUE(Accepts("a"));
  ASSERT_TRUE(Watches());
  const std::string before = status().uid;
  server_.Remove(kRig);
  server_.Put(kRig, ConfigWith("a"));
  ASSERT_TRUE(Until([&] { return status().uid != before; }));
  // The moment passes.
  const TimePoint past = Clock::now() + ConfigObject::kMayComeBack;
  ASSERT_TRUE(Until([&] { return Clock::now() > past; }));
  EXPECT_TRUE(status().accepted);
  for (const DevicePluginConfig& config : accepted_) EXPECT_EQ(config.plugins.size(), 1u);
}

TEST_F(ConfigObjectTest, AnApiServerThatIsAwayTakesNothingAway) {
  server_.Put(kRig, ConfigWith("a"));
  Follow();
  ASSERT_TRUE(Accepts("a"));
  ASSERT_TRUE(Watches());
  server_.Refuse("", 503);
  server_.EndStreams();
  ASSERT_TRUE(Until([this] { return status().stale.find("503") != std::string::npos; }));
  EXPECT_TRUE(status().accepted);
  EXPECT_EQ(status().error, "");
  server_.Put(kRig, ConfigWith("b"));
  server_.Refuse("", 0);
  ASSERT_TRUE(Accepts("b"));
  EXPECT_TRUE(Until([this] { return status().stale.empty(); }));
  EXPECT_EQ(accepted_.size(), 2u);
}

TEST_F(ConfigObjectTest, ListsAgainWhenItsPlaceInTheHistoryIsGone) {
  server_.Put(kRig, ConfigWith("a"));
  Follow();
  ASSERT_TRUE(Accepts("a"));
  ASSERT_TRUE(Watches());
  server_.Expire();
  server_.EndStreams();
  ASSERT_TRUE(Until([this] { return server_.Count("GET " + std::string(kConfigs)) == 2; }));
  server_.Put(kRig, ConfigWith("b"));
  ASSERT_TRUE(Accepts("b"));
  EXPECT_EQ(accepted_.size(), 2u);
}

TEST_F(ConfigObjectTest, SaysWhatToDoWhenItMayNotRead) {
  server_.Refuse("", 403);
  Follow();
  ASSERT_TRUE(Until([this] {
    return status().stale.find("the agent's ServiceAccount lacks its ClusterRole") !=
           std::string::npos;
  }));
  EXPECT_FALSE(status().accepted);
  EXPECT_EQ(status().error, "") << "nobody said that there is none";
}

TEST_F(ConfigObjectTest, SaysWhatToDoWhenItsTokenIsRefused) {
  server_.Admit("another");
  Follow();
  ASSERT_TRUE(Until([this] {
    return status().stale.find("if its ServiceAccount was made anew, delete the agent's pod") !=
           std::string::npos;
  }));
}

TEST_F(ConfigObjectTest, SaysWhatToDoWhenTheKindIsNotThere) {
  server_.Refuse("", 404);
  Follow();
  ASSERT_TRUE(Until([this] {
    return status().stale.find("does not know DevicePluginConfigs: apply the files of crds/") !=
           std::string::npos;
  }));
}

}  // namespace
}  // namespace nodedevice::testing
