// The controller is killed after each of its writes while it manages pools, and started again: the
// pools come where they are to be, and are at the end as they were before.

#include "absl/strings/str_cat.h"
#include "tests/integration/controller/killed_fixture.h"
#include "tests/integration/controller/manage_fixture.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

constexpr char kInfra[] = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools/infra";
constexpr char kKubeletConfig[] = "node-devices-shop-infra";
constexpr char kMachineConfig[] = "99-infra-node-devices-shop";

class KilledManagingTest : public KilledAtAWrite<ManageTest> {
 protected:
  // An administrator's own pool, which needs a label of ours, with the node w2.
  KilledManagingTest() {
    RestartOperator({"--clock-behind", "60"});
    server_.Put("/api/v1/nodes/w2", [&] {
      Json node = server_.Find("/api/v1/nodes/w2").value();
      node["metadata"]["labels"]["node-role.kubernetes.io/infra"] = "";
      return node;
    }());
    server_.Put(kInfra,
                {{"apiVersion", "machineconfiguration.openshift.io/v1"},
                 {"kind", "MachineConfigPool"},
                 {"metadata", {{"labels", {{"team", "devices"}}}}},
                 {"spec",
                  {{"machineConfigSelector",
                    {{"matchExpressions",
                      {{{"key", "machineconfiguration.openshift.io/role"},
                        {"operator", "In"},
                        {"values", {"worker", "infra"}}}}}}},
                   {"nodeSelector", {{"matchLabels", {{"node-role.kubernetes.io/infra", ""}}}}}}}});
    EXPECT_TRUE(WaitFor([this] {
      const Json pool = server_.Find(kInfra).value();
      return pool.value(Json::json_pointer("/status/updatedMachineCount"), 0) == 1 &&
             pool.value(Json::json_pointer("/status/configuration/name"), "") != "" &&
             IsAsToBe(pool);
    }));
  }

  static bool IsAsToBe(const Json& pool) {
    return pool.value(Json::json_pointer("/status/configuration/name"), "") ==
           pool.value(Json::json_pointer("/spec/configuration/name"), "");
  }

  static Json ForInfra(const Json& device_manager, const Json& preparation = {}) {
    Json config = Managing(device_manager, preparation);
    config["spec"]["machineConfigPoolSelector"] = {{"matchLabels", {{"team", "devices"}}}};
    return config;
  }

  // What somebody who looks at pools sees, without what tells times and versions, and without the
  // rendered configurations, which the operator keeps.
  Json Pools() const {
    const Json pool = server_.Find(kInfra).value();
    Json seen = {{"spec", pool["spec"]}, {"labels", pool["metadata"]["labels"]}};
    seen["node"] = server_.Find("/api/v1/nodes/w2").value()["metadata"]["annotations"];
    for (const char* kind : {"kubeletconfigs", "machineconfigs"}) {
      for (const Json& object : server_.In(absl::StrCat(kMco, kind))) {
        const std::string name = object["metadata"]["name"];
        if (!name.starts_with("rendered-")) seen[kind][name] = object["spec"];
      }
    }
    return seen;
  }

  bool IsComplete(int generation) const {
    const Json status = server_.Find(PathOf("shop")).value().value("status", Json::object());
    return Condition("shop", "PoolsConfigured") == "True Complete" &&
           status.value("observedGeneration", 0) == generation;
  }

  // A configuration's life: written, edited, deleted.
  void Live() {
    Configure("shop", ForInfra(WithConsent(), {{"kernelModules", {"vfio-pci"}}}));
    controller_ = Launch("controller-x");
    ASSERT_TRUE(Until([this] { return IsComplete(1); }))
        << server_.Find(PathOf("shop")).value()["status"].dump(2);
    ASSERT_TRUE(Mco("kubeletconfigs", kKubeletConfig).has_value());
    ASSERT_TRUE(Mco("machineconfigs", kMachineConfig).has_value());
    Json device_manager = WithConsent();
    device_manager["topologyManagerPolicy"] = "restricted";
    Json edited = server_.Find(PathOf("shop")).value();
    edited["spec"] = ForInfra(device_manager)["spec"];
    Configure("shop", edited);
    ASSERT_TRUE(Until([this] { return IsComplete(2); })) << Message("PoolsConfigured");
    ASSERT_EQ(Mco("kubeletconfigs", kKubeletConfig)
                  .value()["spec"]["kubeletConfig"]["topologyManagerPolicy"],
              "restricted");
    ASSERT_FALSE(Mco("machineconfigs", kMachineConfig).has_value());
    server_.Delete(PathOf("shop"));
    ASSERT_TRUE(Until([this] {
      return !server_.Find(PathOf("shop")).has_value() && server_.In(kDaemonSets).empty();
    })) << Message("PoolsConfigured");
  }

  // The operator refuses what is written.
  void BeRefused() {
    // It says nothing by itself any more: the test does.
    mco_->Signal(SIGKILL);
    mco_->Wait();
    Configure("shop", Managing(WithConsent()));
    controller_ = Launch("controller-x");
    ASSERT_TRUE(Until([this] { return Mco("kubeletconfigs", kOurs).has_value(); }));
    Refuse("Error: not today");
    ASSERT_TRUE(Until([this] {
      return Condition("shop", "PoolsConfigured") == "False Rejected" &&
             !Mco("kubeletconfigs", kOurs).has_value();
    })) << Message("PoolsConfigured");
    // It has thought about everything anew by the time it has dealt with another configuration.
    Configure("later", ConfigFor("nowhere", "two"));
    ASSERT_TRUE(Until([this] { return !Condition("later", "ConfigAccepted").empty(); }));
    EXPECT_FALSE(Mco("kubeletconfigs", kOurs).has_value());
    EXPECT_EQ(Condition("shop", "PoolsConfigured"), "False Rejected");
  }
};

// The longest ways that the parameters below have to cover.
constexpr int kWritesOfALife = 32;
constexpr int kWritesOfARefusal = 14;

TEST_F(KilledManagingTest, ALifeHasNoMoreWritesThanAreTried) {
  Arm({});
  Live();
  RecordProperty("writes", writes_);
  EXPECT_GE(writes_, 15);
  EXPECT_LE(writes_, kWritesOfALife) << "try to kill it at the others as well";
}

TEST_F(KilledManagingTest, ARefusalHasNoMoreWritesThanAreTried) {
  Arm({});
  BeRefused();
  RecordProperty("writes", writes_);
  EXPECT_GE(writes_, 5);
  EXPECT_LE(writes_, kWritesOfARefusal) << "try to kill it at the others as well";
}

class KilledInALifeTest : public KilledManagingTest {};
TEST_P(KilledInALifeTest, ThePoolsAreAtTheEndAsTheyWere) {
  const Json before = Pools();
  Arm(GetParam());
  Live();
  EXPECT_TRUE(WaitFor([&] { return Pools() == before; }))
      << Pools().dump(2) << "\nbefore: " << before.dump(2);
}
INSTANTIATE_TEST_SUITE_P(Writes, KilledInALifeTest,
                         ::testing::ValuesIn(AfterEachOf(kWritesOfALife)), KillName);

class KilledInARefusalTest : public KilledManagingTest {};
TEST_P(KilledInARefusalTest, WhatIsRefusedStaysWithdrawn) {
  Arm(GetParam());
  BeRefused();
}
INSTANTIATE_TEST_SUITE_P(Writes, KilledInARefusalTest,
                         ::testing::ValuesIn(AfterEachOf(kWritesOfARefusal)), KillName);

}  // namespace
}  // namespace nodedevice::testing
