#include "lib/mco/refused_fields.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/yaml.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Refused(const std::string& spec) {
  return RefusedFields({{"spec", ParseYaml(spec).value()}});
}

TEST(RefusedFieldsTest, NamesEachField) {
  EXPECT_THAT(Refused("kubeletConfig: {cgroupDriver: systemd}"),
              ElementsAre("spec.kubeletConfig.cgroupDriver"));
  EXPECT_THAT(Refused("kubeletConfig: {clusterDNS: [10.0.0.1]}"),
              ElementsAre("spec.kubeletConfig.clusterDNS"));
  EXPECT_THAT(Refused("kubeletConfig: {clusterDomain: x}"),
              ElementsAre("spec.kubeletConfig.clusterDomain"));
  EXPECT_THAT(Refused("kubeletConfig: {featureGates: {DevicePlugins: true}}"),
              ElementsAre("spec.kubeletConfig.featureGates"));
  EXPECT_THAT(Refused("kubeletConfig: {staticPodPath: /x}"),
              ElementsAre("spec.kubeletConfig.staticPodPath"));
  EXPECT_THAT(Refused("kubeletConfig: {runtimeRequestTimeout: 1m}"),
              ElementsAre("spec.kubeletConfig.runtimeRequestTimeout"));
  EXPECT_THAT(Refused("kubeletConfig: {failSwapOn: false}"),
              ElementsAre("spec.kubeletConfig.failSwapOn"));
  EXPECT_THAT(Refused("kubeletConfig: {memorySwap: {swapBehavior: LimitedSwap}}"),
              ElementsAre("spec.kubeletConfig.memorySwap.swapBehavior"));
  EXPECT_THAT(Refused("logLevel: 11"), ElementsAre("spec.logLevel"));
}

TEST(RefusedFieldsTest, NamesFieldsThatDoNotGoTogether) {
  EXPECT_THAT(Refused("{autoSizingReserved: true, kubeletConfig: {systemReserved: {cpu: '1'}}}"),
              ElementsAre("spec.autoSizingReserved beside spec.kubeletConfig.systemReserved"));
  EXPECT_THAT(Refused("kubeletConfig: {systemReservedCgroup: /a, systemCgroups: /b}"),
              ElementsAre("spec.kubeletConfig.systemReservedCgroup unlike systemCgroups"));
  EXPECT_THAT(Refused("{autoSizingReserved: false, kubeletConfig: {systemReserved: {cpu: '1'}}}"),
              IsEmpty());
  EXPECT_THAT(Refused("kubeletConfig: {systemReservedCgroup: /a, systemCgroups: /a}"), IsEmpty());
}

TEST(RefusedFieldsTest, LeavesTheRestAlone) {
  EXPECT_THAT(
      Refused("{logLevel: 10, kubeletConfig: {maxPods: 300, featureGates: {}, clusterDomain: "
              "'', clusterDNS: [], feature-gates: [DevicePlugins=true]}}"),
      IsEmpty());
  EXPECT_THAT(RefusedFields(nullptr), IsEmpty());
  EXPECT_THAT(RefusedFields({{"spec", {{"kubeletConfig", "no object"}}}}), IsEmpty());
}

}  // namespace
}  // namespace nodedevice
