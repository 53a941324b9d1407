#include "lib/api/device_plugin_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/print_field_error.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kGood[] = R"(
apiVersion: nodedevices.io/v1alpha1
kind: DevicePluginConfig
metadata: {name: worker-virt, generation: 7, labels: {a: b}}
spec:
  machineConfigPoolSelector:
    matchLabels: {pools.operator.machineconfiguration.openshift.io/worker: ""}
    matchExpressions: [{key: a, operator: In, values: [b]}, {key: c, operator: Exists}]
  nodeSelector: {}
  deviceManager: {mode: Manage, allowReboot: true, topologyManagerPolicy: restricted}
  nodePreparation:
    kernelArguments: [intel_iommu=on]
    kernelModules: [vfio-pci]
    vfioDevices: ["8086:1572"]
  startupTaint: true
  tolerations:
  - {key: node-role, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
  - {operator: Exists}
  plugins:
  - name: kvm
    resourceName: devices.kubevirt.io/kvm
    paths: {groups: [{paths: [{path: /dev/kvm}]}]}
    sharing: {replicas: 1000}
  - name: vendor
    resourceName: vendor.example/thing
    exec: {command: [/opt/vendor/plugin]}
status: {observedGeneration: 3, anything: [1]}
)";

// A small good object, for changing one thing at a time.
json Good() {
  return json::parse(R"({
    "apiVersion": "nodedevices.io/v1alpha1", "kind": "DevicePluginConfig",
    "metadata": {"name": "x"},
    "spec": {"plugins": [
      {"name": "kvm", "resourceName": "devices.kubevirt.io/kvm",
       "paths": {"groups": [{"paths": [{"path": "/dev/kvm"}]}]}}]}})");
}

struct Rule {
  std::string pointer;
  json value;
  FieldError error;
};

void Check(std::initializer_list<Rule> rules) {
  ASSERT_THAT(ParseDevicePluginConfig(Good()).errors, IsEmpty());
  for (const Rule& rule : rules) {
    json config = Good();
    config[json::json_pointer(rule.pointer)] = rule.value;
    EXPECT_THAT(ParseDevicePluginConfig(config).errors, ElementsAre(rule.error))
        << rule.pointer << ' ' << rule.value;
  }
}

TEST(DevicePluginConfigTest, EveryFieldIsRead) {
  const Parsed<DevicePluginConfig> parsed = ParseDevicePluginConfigYaml(kGood);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  const DevicePluginConfig& config = parsed.value;
  EXPECT_EQ(config.name, "worker-virt");
  EXPECT_EQ(config.generation, 7);
  EXPECT_EQ(config.machine_config_pool_selector["matchExpressions"][0]["key"], "a");
  EXPECT_THAT(config.node_selector, IsEmpty());
  EXPECT_EQ(config.device_manager,
            (DeviceManagerSpec{DeviceManagerSpec::Mode::kManage, true, "restricted"}));
  EXPECT_EQ(config.node_preparation,
            (NodePreparation{{"intel_iommu=on"}, {"vfio-pci"}, {"8086:1572"}}));
  EXPECT_TRUE(config.startup_taint);
  EXPECT_EQ(config.tolerations.size(), 2u);
  EXPECT_EQ(config.tolerations[1], json::parse(R"({"operator": "Exists"})"));
  ASSERT_EQ(config.plugins.size(), 2u);
  EXPECT_EQ(config.plugins[0].sharing.replicas, 1000);
  EXPECT_EQ(config.plugins[1].resource_name, "vendor.example/thing");
}

TEST(DevicePluginConfigTest, TheSmallestFileSaysWhatTheDefaultsAre) {
  const Parsed<DevicePluginConfig> parsed = ParseDevicePluginConfigYaml(
      "{apiVersion: nodedevices.io/v1alpha1, kind: DevicePluginConfig, metadata: {name: x}, "
      "spec: {plugins: []}}");
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  DevicePluginConfig expected;
  expected.name = "x";
  EXPECT_EQ(parsed.value, expected);
}

TEST(DevicePluginConfigTest, ASyntaxErrorIsOneErrorWithoutAPath) {
  EXPECT_THAT(ParseDevicePluginConfigYaml("a: 1\na: 2\n").errors,
              ElementsAre(FieldError{"", "line 2, column 1: the key 'a' stands here twice"}));
}

TEST(DevicePluginConfigTest, AnEmptyFileIsNoConfig) {
  EXPECT_THAT(ParseDevicePluginConfigYaml("").errors,
              ElementsAre(FieldError{"", "must be an object, is null"}));
}

TEST(DevicePluginConfigTest, EveryErrorIsListedInTheOrderOfTheFields) {
  EXPECT_THAT(
      ParseDevicePluginConfig(json::parse(R"({"spec": {"plugins": [{"paths": 1}]}})")).errors,
      ElementsAre(FieldError{"apiVersion", "is required"}, FieldError{"kind", "is required"},
                  FieldError{"metadata", "is required"},
                  FieldError{"spec.plugins[0].name", "is required"},
                  FieldError{"spec.plugins[0].resourceName", "is required"},
                  FieldError{"spec.plugins[0].paths", "must be an object, is a number"}));
}

TEST(DevicePluginConfigTest, TheObject) {
  Check({{"/apiVersion", "v1", {"apiVersion", "must be nodedevices.io/v1alpha1, is 'v1'"}},
         {"/apiVersion", 1, {"apiVersion", "must be a string, is a number"}},
         {"/kind", "Pod", {"kind", "must be DevicePluginConfig, is 'Pod'"}},
         {"/metadata", nullptr, {"metadata", "is required"}},
         {"/spec", nullptr, {"spec", "is required"}},
         {"/spec", json::array(), {"spec", "must be an object, is a list"}},
         {"/specs",
          1,
          {"specs", "unknown field; known here: apiVersion, kind, metadata, spec, status"}}});
}

TEST(DevicePluginConfigTest, Metadata) {
  const std::string rule =
      "must be a DNS label (1 to 63 lower case letters, digits and '-', with a letter or digit at "
      "both ends), is ";
  Check({{"/metadata/name", nullptr, {"metadata.name", "is required"}},
         {"/metadata/name", "", {"metadata.name", rule + "''"}},
         {"/metadata/name", "A", {"metadata.name", rule + "'A'"}},
         {"/metadata/name", "a.b", {"metadata.name", rule + "'a.b'"}},
         {"/metadata/name", "a-", {"metadata.name", rule + "'a-'"}},
         {"/metadata/name", "-a", {"metadata.name", rule + "'-a'"}},
         {"/metadata/name",
          std::string(64, 'a'),
          {"metadata.name", rule + "'" + std::string(64, 'a') + "'"}},
         {"/metadata/generation",
          -1,
          {"metadata.generation", "must be an integer from 0 to 9223372036854775807, is -1"}},
         {"/metadata/nmae",
          "x",
          {"metadata.nmae",
           "unknown field; known here: name, generation, annotations, creationTimestamp, "
           "deletionGracePeriodSeconds, deletionTimestamp, finalizers, generateName, labels, "
           "managedFields, ownerReferences, resourceVersion, selfLink, uid"}}});
}

TEST(DevicePluginConfigTest, WhatTheApiServerAddsIsNoMistake) {
  json config = Good();
  config["metadata"].update(json::parse(R"({
    "uid": "1", "resourceVersion": "2", "creationTimestamp": "2026-01-01T00:00:00Z",
    "deletionTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{}], "finalizers": ["a"],
    "ownerReferences": [{}], "annotations": {"a": "b"}})"));
  EXPECT_THAT(ParseDevicePluginConfig(config).errors, IsEmpty());
}

TEST(DevicePluginConfigTest, WhichNodes) {
  json both = Good()["spec"];
  both["machineConfigPoolSelector"] = json::parse(R"({"matchLabels": {"a": "b"}})");
  both["nodeSelector"] = json::parse(R"({"a": "b"})");
  const auto expression = [](const char* text) {
    return json{{"matchExpressions", json::array({json::parse(text)})}};
  };
  const std::string at = "spec.machineConfigPoolSelector.matchExpressions[0].";
  Check({{"/spec",
          both,
          {"spec.nodeSelector", "must not be set together with machineConfigPoolSelector"}},
         {"/spec/nodeSelector",
          json{{"a", 1}},
          {"spec.nodeSelector.a", "must be a string, is a number"}},
         {"/spec/machineConfigPoolSelector",
          "worker",
          {"spec.machineConfigPoolSelector", "must be an object, is a string"}},
         {"/spec/machineConfigPoolSelector",
          json{{"worker", ""}},
          {"spec.machineConfigPoolSelector.worker",
           "unknown field; known here: matchLabels, matchExpressions"}},
         {"/spec/machineConfigPoolSelector",
          expression(R"({"operator": "Exists"})"),
          {at + "key", "is required"}},
         {"/spec/machineConfigPoolSelector",
          expression(R"({"key": "a"})"),
          {at + "operator", "is required"}},
         {"/spec/machineConfigPoolSelector",
          expression(R"({"key": "a", "operator": "Gt"})"),
          {at + "operator", "must be one of In, NotIn, Exists, DoesNotExist, is 'Gt'"}},
         {"/spec/machineConfigPoolSelector",
          expression(R"({"key": "a", "operator": "In"})"),
          {at + "values", "is required by the operators In and NotIn"}},
         {"/spec/machineConfigPoolSelector",
          expression(R"({"key": "a", "operator": "Exists", "values": ["b"]})"),
          {at + "values", "must be empty with Exists and DoesNotExist"}}});
}

TEST(DevicePluginConfigTest, DeviceManagerAndNodePreparation) {
  const auto with = [](const char* key, const char* word) {
    json spec = Good()["spec"];
    spec["nodePreparation"][key] = json::array({word});
    return spec;
  };
  Check({{"/spec/deviceManager",
          json{{"mode", "manage"}},
          {"spec.deviceManager.mode", "must be one of Observe, Manage, is 'manage'"}},
         {"/spec/deviceManager",
          json{{"allowReboot", "yes"}},
          {"spec.deviceManager.allowReboot", "must be true or false, is a string"}},
         {"/spec/deviceManager",
          json{{"topologyManagerPolicy", "restricted"}},
          {"spec.deviceManager.topologyManagerPolicy", "needs mode: Manage"}},
         {"/spec/deviceManager",
          json{{"mode", "Manage"}, {"topologyManagerPolicy", "best"}},
          {"spec.deviceManager.topologyManagerPolicy",
           "must be one of none, best-effort, restricted, single-numa-node, is 'best'"}},
         {"/spec/deviceManager",
          json{{"reboot", true}},
          {"spec.deviceManager.reboot",
           "unknown field; known here: mode, allowReboot, topologyManagerPolicy"}},
         {"/spec",
          with("kernelArguments", "a b"),
          {"spec.nodePreparation.kernelArguments[0]",
           "must be one argument without spaces, is 'a b'"}},
         {"/spec",
          with("kernelModules", "../x"),
          {"spec.nodePreparation.kernelModules[0]", "must be the name of a module, is '../x'"}},
         {"/spec",
          with("vfioDevices", "8086-1572"),
          {"spec.nodePreparation.vfioDevices[0]",
           "must be vendor:device such as \"8086:1572\", is '8086-1572'"}},
         {"/spec",
          with("vfioDevices", "8086:157g"),
          {"spec.nodePreparation.vfioDevices[0]",
           "must be vendor:device such as \"8086:1572\", is '8086:157g'"}},
         {"/spec/nodePreparation",
          json{{"modules", 1}},
          {"spec.nodePreparation.modules",
           "unknown field; known here: kernelArguments, kernelModules, vfioDevices"}}});
}

TEST(DevicePluginConfigTest, ANodePreparationNeedsNoConsentToBeLookedFor) {
  json config = Good();
  config["spec"].erase("deviceManager");
  config["spec"]["nodePreparation"] = {{"kernelModules", json::array({"vfio-pci"})}};
  const Parsed<DevicePluginConfig> parsed = ParseDevicePluginConfig(config);
  EXPECT_THAT(parsed.errors, IsEmpty());
  EXPECT_EQ(parsed.value.node_preparation, (NodePreparation{{}, {"vfio-pci"}, {}}));
}

TEST(DevicePluginConfigTest, Tolerations) {
  const auto list = [](const char* text) { return json::array({json::parse(text)}); };
  Check(
      {{"/spec/tolerations", json::object(), {"spec.tolerations", "must be a list, is an object"}},
       {"/spec/tolerations",
        list(R"({"value": "x"})"),
        {"spec.tolerations[0].operator", "must be Exists when there is no key"}},
       {"/spec/tolerations",
        list(R"({"key": "a", "operator": "Exists", "value": "x"})"),
        {"spec.tolerations[0].value", "must be empty when operator is Exists"}},
       {"/spec/tolerations",
        list(R"({"key": "a", "operator": "In"})"),
        {"spec.tolerations[0].operator", "must be one of Exists, Equal, is 'In'"}},
       {"/spec/tolerations",
        list(R"({"key": "a", "effect": "Never"})"),
        {"spec.tolerations[0].effect",
         "must be one of NoSchedule, PreferNoSchedule, NoExecute, is 'Never'"}},
       {"/spec/tolerations",
        list(R"({"key": "a", "tolerationSeconds": 1})"),
        {"spec.tolerations[0].tolerationSeconds", "needs effect: NoExecute"}},
       {"/spec/tolerations",
        list(R"({"key": "a", "keys": "b"})"),
        {"spec.tolerations[0].keys",
         "unknown field; known here: key, operator, value, effect, tolerationSeconds"}}});
}

TEST(DevicePluginConfigTest, Plugins) {
  json same_name = Good()["spec"]["plugins"][0];
  same_name["resourceName"] = "example.com/other";
  json same_resource = Good()["spec"]["plugins"][0];
  same_resource["name"] = "other";
  json bad_path = Good()["spec"]["plugins"][0];
  bad_path["paths"]["groups"][0]["paths"].push_back({{"path", "/root/x"}});
  Check({{"/spec/plugins", nullptr, {"spec.plugins", "is required"}},
         {"/spec/plugins", json::object(), {"spec.plugins", "must be a list, is an object"}},
         {"/spec/plugins", std::vector<json>(65), {"spec.plugins", "has 65 entries, more than 64"}},
         {"/spec/plugins/1",
          same_name,
          {"spec.plugins[1].name", "'kvm' is already the name of spec.plugins[0]"}},
         {"/spec/plugins/1",
          same_resource,
          {"spec.plugins[1].resourceName",
           "'devices.kubevirt.io/kvm' is already announced by spec.plugins[0]"}},
         {"/spec/plugins/0",
          bad_path,
          {"spec.plugins[0].paths.groups[0].paths[1].path",
           "must be below one of /dev, /sys, /var, /opt, /run, /usr, /etc"}},
         {"/spec/startupTaint", 1, {"spec.startupTaint", "must be true or false, is a number"}},
         {"/spec/plugin",
          1,
          {"spec.plugin",
           "unknown field; known here: machineConfigPoolSelector, nodeSelector, deviceManager, "
           "nodePreparation, startupTaint, tolerations, plugins"}}});
}

TEST(DevicePluginConfigTest, APluginsTextIsWhatThePluginReads) {
  for (const PluginSpec& spec : ParseDevicePluginConfigYaml(kGood).value.plugins) {
    const Parsed<PluginSpec> again =
        ParsePluginSpec(json::parse(spec.text), HostPathPolicy::kAllowList);
    EXPECT_TRUE(again.ok()) << ToString(again.errors);
    EXPECT_EQ(again.value, spec);
  }
}

TEST(DevicePluginConfigTest, ThousandsOfMistakesAreAHundredLinesAndACount) {
  json config = Good();
  for (int i = 0; i < 5000; ++i) config["spec"]["x" + std::to_string(i)] = 1;
  const std::vector<FieldError> errors = ParseDevicePluginConfig(config).errors;
  ASSERT_EQ(errors.size(), 101u);
  EXPECT_EQ(errors.back(), (FieldError{"", "and 4900 more"}));
}

TEST(DevicePluginConfigTest, DeepValuesWhereNoneBelongDoNotCrash) {
  const auto deep = [] {  // never copied: copying recurses
    return json::parse(std::string(50'000, '[') + std::string(50'000, ']'));
  };
  EXPECT_FALSE(ParseDevicePluginConfig(deep()).ok());
  for (const char* pointer : {"/metadata", "/spec", "/spec/plugins", "/spec/tolerations",
                              "/spec/machineConfigPoolSelector", "/spec/unknown"}) {
    json config = Good();
    config[json::json_pointer(pointer)] = deep();
    EXPECT_FALSE(ParseDevicePluginConfig(config).ok()) << pointer;
  }
}

}  // namespace
}  // namespace nodedevice
