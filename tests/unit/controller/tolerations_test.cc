#include "controller/tolerations.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;

bool KeepsOff(const Taint& taint, const json& tolerations) {
  ObservedNode node;
  node.taints = {taint};
  return UntoleratedTaint(node, AgentTolerations(tolerations)) != nullptr;
}

const Taint kTaint = {.key = "k", .value = "v", .effect = "NoSchedule"};

TEST(TolerationsTest, ATaintKeepsOffUnlessItIsTolerated) {
  EXPECT_TRUE(KeepsOff(kTaint, json::array()));
  EXPECT_FALSE(KeepsOff(kTaint, json::parse(R"([{"operator": "Exists"}])")));
  EXPECT_FALSE(KeepsOff(kTaint, json::parse(R"([{"key": "k", "operator": "Exists"}])")));
  EXPECT_FALSE(KeepsOff(kTaint, json::parse(R"([{"key": "k", "value": "v"}])")));
  EXPECT_TRUE(KeepsOff(kTaint, json::parse(R"([{"key": "k", "value": "w"}])")));
  EXPECT_TRUE(KeepsOff(kTaint, json::parse(R"([{"key": "k", "operator": "Exists",
                                                "effect": "NoExecute"}])")));
}

TEST(TolerationsTest, ADislikeDoesNotKeepOff) {
  EXPECT_FALSE(KeepsOff({.key = "k", .value = "", .effect = "PreferNoSchedule"}, json::array()));
}

TEST(TolerationsTest, OursAndThoseOfKubernetesAreTolerated) {
  EXPECT_FALSE(KeepsOff({.key = "nodedevices.io/not-ready", .value = "", .effect = "NoSchedule"},
                        json::array()));
  EXPECT_FALSE(
      KeepsOff({.key = "node.kubernetes.io/unschedulable", .value = "", .effect = "NoSchedule"},
               json::array()));
}

}  // namespace
}  // namespace nodedevice
