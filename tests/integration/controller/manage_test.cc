// deviceManager.mode Manage, with a Machine Config Operator that behaves as the real one was seen
// to: what is written to pools, what is refused, and that it is all taken back.

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "tests/integration/controller/controller_fixture.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr char kMco[] = "/apis/machineconfiguration.openshift.io/v1/";
constexpr char kOurs[] = "node-devices-shop-worker";

class ManageTest : public ControllerTest {
 protected:
  ManageTest() {
    server_.Put("/apis", {{"groups", Json::array({{{"name", "machineconfiguration.openshift.io"}},
                                                  {{"name", "config.openshift.io"}}})}});
    for (const char* node : {"w1", "w2"}) {
      server_.Put(absl::StrCat("/api/v1/nodes/", node),
                  NodeWith({{"node-role.kubernetes.io/worker", ""}}));
    }
    StartOperator();
  }
  ~ManageTest() override {
    if (HasFailure()) std::fprintf(stderr, "---- the operator's log:\n%s", mco_->Output().c_str());
  }

  void StartOperator() {
    mco_ = std::make_unique<Program>(
        std::vector<std::string>{"fake-mco", "--kubeconfig", (dir_.path() / "kubeconfig").string(),
                                 "--render-delay", "50", "--update-time", "50"},
        dir_.path() / "mco.log");
    // Its pools are there, and its nodes are as they are to be.
    EXPECT_TRUE(WaitFor([this] { return IsUpdated(); }));
  }

  // A configuration for the pool worker.
  static Json Managing(const Json& device_manager, const Json& preparation = {}) {
    Json config = ConfigFor("", "one");
    config["spec"].erase("nodeSelector");
    config["spec"]["machineConfigPoolSelector"] = {
        {"matchLabels", {{"pools.operator.machineconfiguration.openshift.io/worker", ""}}}};
    config["spec"]["deviceManager"] = device_manager;
    if (!preparation.is_null()) config["spec"]["nodePreparation"] = preparation;
    return config;
  }
  static Json WithConsent() {
    return {{"mode", "Manage"}, {"allowReboot", true}, {"topologyManagerPolicy", "best-effort"}};
  }

  std::optional<Json> Mco(const std::string& kind, const std::string& name) const {
    return server_.Find(absl::StrCat(kMco, kind, "/", name));
  }
  // What the nodes of the pool have by now.
  Json Rendered() const {
    const Json pool = Mco("machineconfigpools", "worker").value_or(Json::object());
    const std::string name = pool.value(Json::json_pointer("/status/configuration/name"), "");
    return Mco("machineconfigs", name).value_or(Json::object());
  }
  std::string RenderedName() const {
    return Rendered().value(Json::json_pointer("/metadata/name"), "");
  }
  bool IsUpdated() const {
    const Json pool = Mco("machineconfigpools", "worker").value_or(Json::object());
    const std::string has = pool.value(Json::json_pointer("/status/configuration/name"), "");
    if (has.empty() || has != pool.value(Json::json_pointer("/spec/configuration/name"), "")) {
      return false;
    }
    return pool.value(Json::json_pointer("/status/updatedMachineCount"), 0) == 2;
  }
  std::string Message(const std::string& type) const {
    const Json object = server_.Find(PathOf("shop")).value_or(Json::object());
    for (const Json& condition :
         object.value("status", Json::object()).value("conditions", Json::array())) {
      if (condition["type"] == type) return condition["message"];
    }
    return "";
  }
  // A KubeletConfig of somebody else for the pool.
  void PutForeign() {
    const std::string before = RenderedName();
    server_.Put(
        absl::StrCat(kMco, "kubeletconfigs/performance"),
        {{"apiVersion", "machineconfiguration.openshift.io/v1"},
         {"kind", "KubeletConfig"},
         {"spec",
          {{"machineConfigPoolSelector",
            {{"matchLabels", {{"pools.operator.machineconfiguration.openshift.io/worker", ""}}}}},
           {"kubeletConfig", {{"maxPods", 300}}}}}});
    ASSERT_TRUE(WaitFor([&] {
      const Json foreign = Mco("kubeletconfigs", "performance").value();
      return foreign.dump().find("\"type\":\"Success\"") != std::string::npos && IsUpdated() &&
             RenderedName() != before;
    }));
  }

  std::unique_ptr<Program> mco_;
};

TEST_F(ManageTest, WithConsentTheDocumentedKubeletConfigIsWrittenFollowedAndTakenBack) {
  const std::string before = RenderedName();
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete")) << Message("PoolsConfigured");
  const Json written = Mco("kubeletconfigs", kOurs).value();
  EXPECT_EQ(written["spec"]["kubeletConfig"], Json({{"feature-gates", {"DevicePlugins=true"}},
                                                    {"topologyManagerPolicy", "best-effort"}}));
  EXPECT_NE(RenderedName(), before) << "the policy has reached the nodes";

  // Nothing is written again.
  const int writes = server_.Count(absl::StrCat("PATCH ", kMco));
  server_.Put("/api/v1/nodes/w1", [&] {
    Json node = server_.Find("/api/v1/nodes/w1").value();
    node["metadata"]["labels"]["touched"] = "yes";
    return node;
  }());
  Configure("other", ConfigFor("nowhere", "two"));
  ASSERT_TRUE(WaitFor([this] {
    return server_.Find(DaemonSetOf("other")).has_value() ||
           !Condition("other", "ConfigAccepted").empty();
  }));
  EXPECT_EQ(server_.Count(absl::StrCat("PATCH ", kMco)), writes);

  Configure("shop", Managing({{"mode", "Observe"}}));
  EXPECT_TRUE(WaitFor([this] { return !Mco("kubeletconfigs", kOurs).has_value(); }));
  EXPECT_TRUE(WaitFor([&] { return IsUpdated() && RenderedName() == before; }));
  EXPECT_TRUE(WaitFor([this] { return Condition("shop", "PoolsConfigured").empty(); }));
}

TEST_F(ManageTest, WithoutConsentNothingIsWrittenAndTheRebootsAreCounted) {
  Configure("shop", Managing({{"mode", "Manage"}}));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "False RebootNotAllowed"));
  EXPECT_THAT(Message("PoolsConfigured"), HasSubstr("2 nodes"));
  EXPECT_EQ(server_.Count(absl::StrCat("PATCH ", kMco, "kubeletconfigs/node-devices")), 0);
}

TEST_F(ManageTest, AForeignKubeletConfigIsNamedAndLeftAsItIs) {
  PutForeign();
  const Json foreign = Mco("kubeletconfigs", "performance").value();
  const Json pool = Mco("machineconfigpools", "worker").value();
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "False ForeignKubeletConfig"));
  EXPECT_THAT(Message("PoolsConfigured"), HasSubstr("performance"));
  EXPECT_TRUE(Tells("ForeignKubeletConfig"));
  server_.Remove(PathOf("shop"));
  ASSERT_TRUE(WaitFor([this] { return server_.In(kDaemonSets).empty(); }));
  EXPECT_EQ(Mco("kubeletconfigs", "performance").value().dump(), foreign.dump());
  EXPECT_EQ(Mco("machineconfigpools", "worker").value().dump(), pool.dump());
  EXPECT_FALSE(Mco("kubeletconfigs", kOurs).has_value());
}

TEST_F(ManageTest, APausedPoolIsWaitedFor) {
  server_.Merge(absl::StrCat(kMco, "machineconfigpools/worker"), {{"spec", {{"paused", true}}}});
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "False PoolPaused"));
  EXPECT_FALSE(Mco("kubeletconfigs", kOurs).has_value());
  server_.Merge(absl::StrCat(kMco, "machineconfigpools/worker"), {{"spec", {{"paused", false}}}});
  EXPECT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete")) << Message("PoolsConfigured");
}

TEST_F(ManageTest, WhatTheOperatorRefusesIsWithdrawnAtOnce) {
  // It says nothing by itself any more: the test does.
  mco_->Signal(SIGKILL);
  mco_->Wait();
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(WaitFor([this] { return Mco("kubeletconfigs", kOurs).has_value(); }));
  const Json ours = Mco("kubeletconfigs", kOurs).value();
  server_.Merge(absl::StrCat(kMco, "kubeletconfigs/", kOurs, "/status"),
                {{"status",
                  {{"observedGeneration", ours["metadata"]["generation"]},
                   {"conditions",
                    {{{"type", "Failure"},
                      {"status", "False"},
                      {"reason", "Refused"},
                      {"message", "Error: not today"}}}}}}});
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "False Rejected")) << Message("PoolsConfigured");
  EXPECT_TRUE(WaitFor([this] { return !Mco("kubeletconfigs", kOurs).has_value(); }));
  EXPECT_THAT(Message("PoolsConfigured"), HasSubstr("not today"));
  EXPECT_TRUE(Tells("Rejected"));
}

TEST_F(ManageTest, NodePreparationReachesTheNodesAndIsTakenBack) {
  const std::string before = RenderedName();
  Configure("shop", Managing({{"mode", "Manage"}, {"allowReboot", true}},
                             {{"kernelArguments", {"intel_iommu=on"}},
                              {"kernelModules", {"vfio-pci"}},
                              {"vfioDevices", {"8086:1572"}}}));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete")) << Message("PoolsConfigured");
  EXPECT_TRUE(Mco("machineconfigs", "99-worker-node-devices-shop").has_value());
  EXPECT_EQ(Rendered()["spec"]["kernelArguments"], Json({"intel_iommu=on"}));
  server_.Remove(PathOf("shop"));
  for (const auto& [kind, name] : {std::pair("kubeletconfigs", kOurs),
                                   std::pair("machineconfigs", "99-worker-node-devices-shop")}) {
    // As the garbage collector does it.
    if (Mco(kind, name)) server_.Delete(absl::StrCat(kMco, kind, "/", name));
  }
  EXPECT_TRUE(WaitFor([&] { return IsUpdated() && RenderedName() == before; }));
}

TEST_F(ManageTest, AnOperatorThatIsAwayKeepsNobodyFromBeingDeleted) {
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete"));
  mco_->Signal(SIGKILL);
  mco_->Wait();
  server_.Delete(PathOf("shop"));
  EXPECT_TRUE(WaitFor([this] { return !server_.Find(PathOf("shop")).has_value(); }));
  EXPECT_TRUE(WaitFor([this] { return server_.In(kDaemonSets).empty(); }));
}

TEST_F(ManageTest, AStartupTaintComesOffWhenTheAgentIsReady) {
  Json config = Managing({{"mode", "Observe"}});
  config["spec"]["startupTaint"] = true;
  Configure("shop", config);
  Start();
  const auto taints = [this](const std::string& node) {
    return server_.Find("/api/v1/nodes/" + node)
        .value()
        .value(Json::json_pointer("/spec/taints"), Json::array());
  };
  ASSERT_TRUE(WaitFor([&] { return taints("w1").size() == 1 && taints("w2").size() == 1; }));
  EXPECT_EQ(taints("w1")[0]["key"], "nodedevices.io/not-ready");
  ASSERT_TRUE(WaitFor([this] { return server_.Find(DaemonSetOf("shop")).has_value(); }));
  BeWell("shop", {"w1"});
  EXPECT_TRUE(WaitFor([&] { return taints("w1").empty(); }));
  EXPECT_EQ(taints("w2").size(), 1u);
  server_.Remove(PathOf("shop"));
  EXPECT_TRUE(WaitFor([&] { return taints("w2").empty(); }));
}

}  // namespace
}  // namespace nodedevice::testing
