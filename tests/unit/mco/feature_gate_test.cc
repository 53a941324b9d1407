#include "lib/mco/feature_gate.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

bool Disables(const char* feature_gate) {
  return DisablesGate(nlohmann::json::parse(feature_gate), "DevicePlugins");
}

TEST(FeatureGateTest, DisablesWhatTheStatusNamesForAnyVersion) {
  EXPECT_TRUE(Disables(R"({"status": {"featureGates": [
      {"version": "4.14.1", "enabled": [{"name": "A"}], "disabled": [{"name": "B"}]},
      {"version": "4.14.0", "enabled": [], "disabled": [{"name": "B"}, {"name": "DevicePlugins"}]}
      ]}})"));
  EXPECT_FALSE(Disables(R"({"status": {"featureGates": [
      {"version": "4.14.1", "enabled": [{"name": "DevicePlugins"}], "disabled": [{"name": "B"}]}
      ]}})"));
}

TEST(FeatureGateTest, TheStatusCountsMoreThanTheSpec) {
  EXPECT_FALSE(Disables(R"({
      "spec": {"featureSet": "CustomNoUpgrade", "customNoUpgrade": {"disabled": ["DevicePlugins"]}},
      "status": {"featureGates": [{"version": "4.14.1", "disabled": []}]}})"));
}

TEST(FeatureGateTest, OlderClustersHaveOnlyTheSpec) {
  EXPECT_TRUE(Disables(R"({"spec": {"featureSet": "CustomNoUpgrade",
      "customNoUpgrade": {"enabled": ["A"], "disabled": ["B", "DevicePlugins"]}}, "status": {}})"));
  EXPECT_FALSE(Disables(R"({"spec": {"featureSet": "CustomNoUpgrade",
      "customNoUpgrade": {"enabled": ["DevicePlugins"], "disabled": ["B"]}}})"));
  // Left over from before: only CustomNoUpgrade reads the list.
  EXPECT_FALSE(Disables(R"({"spec": {"featureSet": "TechPreviewNoUpgrade",
      "customNoUpgrade": {"disabled": ["DevicePlugins"]}}})"));
  EXPECT_FALSE(Disables(R"({"spec": {}})"));
}

TEST(FeatureGateTest, AnyJsonGivesAnAnswer) {
  for (const char* odd :
       {"null", "7", "[]", R"({"status": {"featureGates": [7, {"disabled": ["DevicePlugins"]}]}})",
        R"({"status": {"featureGates": [{"disabled": {"name": "DevicePlugins"}}]}})",
        R"({"spec": {"featureSet": "CustomNoUpgrade", "customNoUpgrade": {"disabled": [7]}}})"}) {
    EXPECT_FALSE(Disables(odd)) << odd;
  }
}

}  // namespace
}  // namespace nodedevice
