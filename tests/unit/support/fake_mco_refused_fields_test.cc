// Which KubeletConfigs the operator refuses, and in which words.

#include <gtest/gtest.h>

#include "tests/support/mco/refused_fields.h"

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

std::string Refusal(const Json& spec, OpenShift version = OpenShift::k5_0,
                    const std::vector<std::string>& pools = {"worker"}) {
  return RefusalOf({{"spec", spec}}, version, pools).value_or("");
}
std::string RefusalOfBody(const Json& body, OpenShift version = OpenShift::k5_0) {
  return Refusal({{"kubeletConfig", body}}, version);
}

TEST(RefusedFieldsTest, FeatureGatesAreRefusedInTheWordsThatWereSeen) {
  EXPECT_EQ(RefusalOfBody({{"featureGates", {{"DevicePlugins", true}}}}),
            "KubeletConfiguration: featureGates is not allowed to be set, but contains: "
            "map[DevicePlugins:true]");
}

TEST(RefusedFieldsTest, TheKeyOfOpenShift3IsNoFieldAtAll) {
  EXPECT_EQ(RefusalOfBody({{"feature-gates", {"DevicePlugins=true"}}}), "");
}

TEST(RefusedFieldsTest, WhatTheOperatorDecidesItselfIsRefusedOnEveryVersion) {
  for (const OpenShift version : {OpenShift::k4_21, OpenShift::k4_22, OpenShift::k5_0}) {
    EXPECT_EQ(
        RefusalOfBody({{"cgroupDriver", "cgroupfs"}}, version),
        "KubeletConfiguration: cgroupDriver is not allowed to be set, but contains: cgroupfs");
    EXPECT_EQ(RefusalOfBody({{"clusterDNS", {"10.0.0.1", "10.0.0.2"}}}, version),
              "KubeletConfiguration: clusterDNS is not allowed to be set, but contains: "
              "[10.0.0.1 10.0.0.2]");
    EXPECT_EQ(
        RefusalOfBody({{"clusterDomain", "x.local"}}, version),
        "KubeletConfiguration: clusterDomain is not allowed to be set, but contains: x.local");
    EXPECT_EQ(RefusalOfBody({{"failSwapOn", false}}, version),
              "KubeletConfiguration: failSwapOn is not allowed to be set, but contains: false");
    EXPECT_EQ(RefusalOfBody({{"memorySwap", {{"swapBehavior", "LimitedSwap"}}}}, version),
              "KubeletConfiguration: swapBehavior is not allowed to be set, but contains: "
              "LimitedSwap");
    EXPECT_EQ(RefusalOfBody({{"staticPodPath", "/x"}}, version),
              "KubeletConfiguration: staticPodPath is not allowed to be set, but contains: /x");
  }
}

TEST(RefusedFieldsTest, WhatIsEmptyIsNotSet) {
  EXPECT_EQ(RefusalOfBody({{"cgroupDriver", ""},
                           {"clusterDNS", Json::array()},
                           {"featureGates", Json::object()},
                           {"staticPodPath", ""},
                           {"memorySwap", Json::object()}}),
            "");
  EXPECT_EQ(Refusal(Json::object()), "");
}

TEST(RefusedFieldsTest, TheControlPlaneRefusesTheKeyOfStaticPodsSince50) {
  const Json spec = {{"kubeletConfig", {{"staticPodPath", ""}}}};
  EXPECT_NE(Refusal(spec, OpenShift::k5_0, {"master"}), "");
  EXPECT_EQ(Refusal(spec, OpenShift::k4_22, {"master"}), "");
}

TEST(RefusedFieldsTest, TheGroupOfTheSystemMustBeOneSince422) {
  const Json body = {{"systemReservedCgroup", "/a"}, {"systemCgroups", "/b"}};
  EXPECT_EQ(RefusalOfBody(body, OpenShift::k4_21), "");
  EXPECT_EQ(RefusalOfBody(body, OpenShift::k4_22),
            "KubeletConfiguration: systemReservedCgroup (/a) must match systemCgroups (/b)");
  EXPECT_EQ(RefusalOfBody({{"systemReservedCgroup", "/a"}, {"systemCgroups", "/a"}}), "");
}

TEST(RefusedFieldsTest, SizingIsEitherAutomaticOrGiven) {
  const Json reserved = {{"systemReserved", {{"cpu", "1"}}}};
  EXPECT_NE(Refusal({{"autoSizingReserved", true}, {"kubeletConfig", reserved}}), "");
  EXPECT_EQ(Refusal({{"autoSizingReserved", false}, {"kubeletConfig", reserved}}), "");
}

TEST(RefusedFieldsTest, TheLogLevelIsFrom0To10) {
  EXPECT_EQ(Refusal({{"logLevel", 0}}), "");
  EXPECT_EQ(Refusal({{"logLevel", 10}}), "");
  EXPECT_NE(Refusal({{"logLevel", 11}}), "");
  EXPECT_NE(Refusal({{"logLevel", -1}}), "");
}

}  // namespace
}  // namespace nodedevice::testing::mco
