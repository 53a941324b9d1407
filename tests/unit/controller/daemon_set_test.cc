#include "controller/daemon_set.h"

#include <map>
#include <string>
#include <vector>

#include "controller/embedded_manifests.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/yaml.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Settings TestSettings() {
  return {.name_space = "ns", .image = "i", .daemon_set = ParseYaml(AgentDaemonSetYaml()).value()};
}

json Render(const DevicePluginConfig& config, bool has_scc = false) {
  return RenderDaemonSet({.config = config,
                          .config_uid = "u",
                          .affinity = json::object(),
                          .port = 9810,
                          .has_scc = has_scc},
                         TestSettings());
}

// All of it stands in tests/golden/controller; here is what every other one relies on.
TEST(DaemonSetTest, TheManifestIsOneThatCanBeRendered) {
  const json manifest = TestSettings().daemon_set;
  EXPECT_EQ(TextAt(manifest, "/kind"), "DaemonSet");
  EXPECT_THAT(ListAt(manifest, "/spec/template/spec/containers/0/args"),
              ::testing::Contains("--config-name"));
  for (const char* probe : {"livenessProbe", "readinessProbe"}) {
    EXPECT_TRUE(ValueAt(manifest, "/spec/template/spec/containers/0").contains(probe));
  }
}

TEST(DaemonSetTest, NamesAreBoundedAndApart) {
  EXPECT_EQ(DaemonSetName("virt"), "node-device-agent-virt");
  const std::string longest(63, 'x');
  EXPECT_LE(DaemonSetName(longest).size(), 63u);
  EXPECT_NE(DaemonSetName(longest), DaemonSetName(std::string(62, 'x')));
}

TEST(DaemonSetTest, AnotherConfigurationHasAnotherSelector) {
  DevicePluginConfig config;
  config.name = "virt";
  const json object = Render(config);
  for (const char* labels :
       {"/spec/selector/matchLabels", "/spec/template/metadata/labels", "/metadata/labels"}) {
    EXPECT_EQ(ValueAt(object, labels)["nodedevices.io/config"], "virt") << labels;
  }
}

TEST(DaemonSetTest, WithACertificateAgentsServeToTheNetworkByHttps) {
  DevicePluginConfig config;
  config.name = "virt";
  Settings settings = TestSettings();
  settings.agent_tls_secret = "agent-tls";
  const json object = RenderDaemonSet({.config = config,
                                       .config_uid = "u",
                                       .affinity = json::object(),
                                       .port = 9810,
                                       .has_scc = false},
                                      settings);
  const json& container = ValueAt(object, "/spec/template/spec/containers/0");
  EXPECT_THAT(ListAt(container, "/args"),
              ::testing::IsSupersetOf({"--listen", "[::]:9810", "--tls-cert",
                                       "/etc/node-device/tls/tls.crt", "--tls-key",
                                       "/etc/node-device/tls/tls.key"}));
  EXPECT_EQ(container["ports"], json({{{"name", "metrics"}, {"containerPort", 9810}}}));
  for (const char* probe : {"livenessProbe", "readinessProbe"}) {
    EXPECT_EQ(container[probe]["httpGet"]["scheme"], "HTTPS");
    EXPECT_EQ(container[probe]["httpGet"]["port"], 9810);
  }
  EXPECT_THAT(
      ListAt(object, "/spec/template/spec/volumes"),
      ::testing::Contains(json({{"name", "tls"}, {"secret", {{"secretName", "agent-tls"}}}})));
  EXPECT_FALSE(Render(config).dump().find("HTTPS") != std::string::npos);
}

// Of the folders that plugins need only the one for CDI files.
TEST(DaemonSetTest, OnlyAFolderThatIsWrittenToIsWritable) {
  DevicePluginConfig config;
  config.name = "virt";
  PluginSpec seat;
  seat.discovery = Static{.devices = {}, .cdi_kind = "example.com/seat"};
  PluginSpec onload;
  onload.discovery = Onload{};
  config.plugins = {seat, onload};
  const json object = Render(config);
  std::map<std::string, bool> read_only;  // by where it is mounted
  for (const json& mount : ListAt(object, "/spec/template/spec/containers/0/volumeMounts")) {
    read_only[mount["mountPath"]] = mount.value("readOnly", false);
  }
  EXPECT_TRUE(read_only.at("/host/opt"));
  EXPECT_TRUE(read_only.at("/host/sys"));
  EXPECT_FALSE(read_only.at("/host/var/run/cdi"));
}

TEST(DaemonSetTest, DevAndSysAreWritableForWhatIsMadeReadyThereOnly) {
  const auto writable = [](Discovery discovery) {
    DevicePluginConfig config;
    config.name = "virt";
    config.plugins.emplace_back().discovery = std::move(discovery);
    std::vector<std::string> names;
    const json daemon_set = Render(config);
    for (const json& mount : ListAt(daemon_set, "/spec/template/spec/containers/0/volumeMounts")) {
      const std::string name = mount["name"];
      if ((name == "dev" || name == "sys") && !mount.value("readOnly", false)) {
        names.push_back(name);
      }
    }
    return names;
  };
  Pci bound;
  bound.bind = true;
  EXPECT_THAT(writable(Mdev{}), IsEmpty());
  EXPECT_THAT(writable(Mdev{.selectors = {}, .create = {{.type = "nvidia-222"}}}),
              ElementsAre("sys"));
  EXPECT_THAT(writable(Pci{}), IsEmpty());
  EXPECT_THAT(writable(bound), ElementsAre("sys"));
  EXPECT_THAT(writable(AdjunctProcessor{}), ElementsAre("dev", "sys"));
}

TEST(DaemonSetTest, EveryChangeChangesTheFingerprint) {
  const auto fingerprint = [](const json& object) {
    return TextAt(object, "/metadata/annotations/nodedevices.io~1rendered");
  };
  DevicePluginConfig config;
  config.name = "virt";
  const std::string before = fingerprint(Render(config));
  EXPECT_EQ(before, fingerprint(Render(config)));
  EXPECT_NE(before, fingerprint(Render(config, /*has_scc=*/true)));
  config.tolerations = {{{"operator", "Exists"}}};
  EXPECT_NE(before, fingerprint(Render(config)));
}

}  // namespace
}  // namespace nodedevice
