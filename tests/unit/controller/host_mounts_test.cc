#include "controller/host_mounts.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;

HostMounts MountsOf(const json& entry) {
  json whole = {{"name", "x"}, {"resourceName", "example.com/x"}};
  whole.update(entry);
  const auto parsed = ParsePluginSpec(whole, HostPathPolicy::kAllowList);
  EXPECT_TRUE(parsed.ok()) << ToString(parsed.errors);
  return MountsFor({parsed.value});
}

HostMounts MountsOfPath(const json& path) {
  return MountsOf({{"paths", {{"groups", {{{"paths", {path}}}}}}}});
}

TEST(HostMountsTest, StaticDevicesNeedNothing) {
  EXPECT_EQ(MountsOf({{"static", {{"devices", {{{"id", "a"}}}}}}}), HostMounts());
}

TEST(HostMountsTest, StaticDevicesNeedWhatTheyBring) {
  const json device = {
      {"id", "a"},
      {"nodes", json::array({{{"path", "/dev/null"}}})},
      {"mounts", json::array({{{"hostPath", "/opt/x"}, {"containerPath", "/x"}}})}};
  EXPECT_EQ(MountsOf({{"static", {{"devices", json::array({device})}}}}),
            (HostMounts{.dev = true, .sys = false}));
  EXPECT_EQ(MountsOf({{"static",
                       {{"devices", json::array({{{"id", "a"}}})}, {"holdFile", "/var/lib/x/y"}}}}),
            (HostMounts{.folders = {{"/var/lib/x", "/host/var/lib/x", true}}}));
}

TEST(HostMountsTest, SysIsWritableWhereMediatedDevicesAreMade) {
  const json entry = {
      {"mdev", {{"selectors", {{{"type", "a"}}}}, {"create", {{{"type", "a"}, {"count", 2}}}}}}};
  EXPECT_EQ(MountsOf(entry), (HostMounts{.dev = true, .sys = true, .sys_writable = true}));
}

TEST(HostMountsTest, SysIsWritableWhereDriversAreBoundOnly) {
  const auto entry = [](bool bind) {
    return json{{"pci", {{"selectors", {{{"vendor", "8086"}}}}, {"bind", bind}}}};
  };
  EXPECT_EQ(MountsOf(entry(false)), (HostMounts{.dev = true, .sys = true}));
  EXPECT_EQ(MountsOf(entry(true)), (HostMounts{.dev = true, .sys = true, .sys_writable = true}));
}

// Also where another entry looks for something there.
TEST(HostMountsTest, WhereCdiFilesAreWrittenTheFolderIsWritable) {
  const json devices = {{"devices", json::array({{{"id", "a"}}})},
                        {"cdiKind", "example.com/x"},
                        {"holdFile", "/var/run/cdi/hold"}};
  EXPECT_EQ(MountsOf({{"static", devices}}),
            (HostMounts{.folders = {{.host_path = "/var/run/cdi",
                                     .mount_path = "/host/var/run/cdi",
                                     .create = true,
                                     .writable = true}}}));
}

TEST(HostMountsTest, OnloadIsFoundInDevInSysAndWhereItIsInstalled) {
  const auto with = [](const HostMount& folder) {
    return HostMounts{.dev = true, .sys = true, .folders = {folder}};
  };
  EXPECT_EQ(MountsOf({{"onload", json::object()}}), with({"/opt", "/host/opt", false}));
  EXPECT_EQ(MountsOf({{"onload", {{"hostPath", "/"}}}}), with({"/usr", "/host/usr", false}));
  EXPECT_EQ(MountsOf({{"onload", {{"hostPath", "/var/lib/onload"}}}}),
            with({"/var/lib/onload/usr", "/host/var/lib/onload/usr", true}));
}

// Nodes are made in /sys, and what containers see of it is put together on the host.
TEST(HostMountsTest, CryptoCardsAreMadeReadyInSysAndInAFolderOfTheirOwn) {
  const json apqns = json::array({{{"adapter", 3}, {"domain", 5}}});
  EXPECT_EQ(
      MountsOf({{"adjunctProcessor", {{"apqns", apqns}}}}),
      (HostMounts{.dev = true,
                  .sys = true,
                  .dev_writable = true,
                  .sys_writable = true,
                  .folders = {{"/var/tmp/shadowsysfs", "/host/var/tmp/shadowsysfs", true, true}}}));
  EXPECT_EQ(MountsOf({{"adjunctProcessor",
                       {{"configFile", "/etc/cex/cex_resources.json"},
                        {"set", "cca"},
                        {"shadowPath", "/var/lib/shadow"}}}}),
            (HostMounts{.dev = true,
                        .sys = true,
                        .dev_writable = true,
                        .sys_writable = true,
                        .folders = {{"/etc", "/host/etc"},
                                    {"/var/lib/shadow", "/host/var/lib/shadow", true, true}}}));
}

// What such a file asks for is known on the node only.
TEST(HostMountsTest, NvidiasOwnConfigurationMayAskForCdi) {
  const HostMounts mounts =
      MountsOf({{"resourceName", "nvidia.com/gpu"},
                {"nvidia", {{"configFile", "/etc/nvidia-device-plugin/config.yaml"}}}});
  EXPECT_EQ(mounts, (HostMounts{.dev = true,
                                .sys = true,
                                .folders = {{"/etc", "/host/etc"},
                                            {"/proc/driver", "/host/proc/driver"},
                                            {"/run", "/host/run"},
                                            {"/usr", "/host/usr"},
                                            {"/var/run/cdi", "/host/var/run/cdi", true, true}}}));
}

TEST(HostMountsTest, MpsIsLookedForWhereItsDaemonsAre) {
  const json mps = {{"sharingStrategy", "mps"}, {"mpsRoot", "/var/lib/mps"}};
  EXPECT_EQ(MountsOf({{"nvidia", mps}, {"sharing", {{"replicas", 2}}}}),
            (HostMounts{.dev = true,
                        .sys = true,
                        .folders = {{"/proc/driver", "/host/proc/driver"},
                                    {"/usr", "/host/usr"},
                                    {"/var/lib/mps", "/host/var/lib/mps", true}}}));
}

TEST(HostMountsTest, DeviceNodesNeedDevAndTheirNumaNodes) {
  EXPECT_EQ(MountsOfPath({{"path", "/dev/ttyUSB*"}}), (HostMounts{.dev = true, .sys = true}));
  EXPECT_EQ(MountsOf({{"topology", false},
                      {"paths", {{"groups", {{{"paths", {{{"path", "/dev/kvm"}}}}}}}}}}),
            (HostMounts{.dev = true, .sys = false}));
}

TEST(HostMountsTest, UsbIsFoundInSysAndDev) {
  EXPECT_EQ(
      MountsOf({{"paths", {{"groups", {{{"usb", {{{"vendor", "1a86"}, {"product", "7523"}}}}}}}}}}),
      (HostMounts{.dev = true, .sys = true}));
}

TEST(HostMountsTest, DevicesOfTheBusesAreFoundInSysAndGivenFromDev) {
  const HostMounts both = {.dev = true, .sys = true};
  const auto with = [](const json& selector) {
    return json{{"selectors", json::array({selector})}};
  };
  for (const bool topology : {true, false}) {
    EXPECT_EQ(MountsOf({{"pci", with({{"vendor", "8086"}})}, {"topology", topology}}), both);
    EXPECT_EQ(MountsOf({{"mdev", with({{"type", "nvidia-222"}})}, {"topology", topology}}), both);
    EXPECT_EQ(MountsOf({{"usb", with({{"vendor", "1a86"}, {"product", "7523"}})},
                        {"topology", topology}}),
              both);
  }
}

TEST(HostMountsTest, OtherPathsAreLookedForBelowHost) {
  EXPECT_EQ(MountsOfPath({{"path", "/usr/lib/*/libx.so"}, {"type", "Mount"}}),
            (HostMounts{.folders = {{"/usr", "/host/usr", false}}}));
  EXPECT_EQ(MountsOfPath({{"path", "/run/x.sock"}, {"type", "Mount"}}),
            (HostMounts{.folders = {{"/run", "/host/run", false}}}));
}

// The kubelet keeps the secrets of all pods below /var.
TEST(HostMountsTest, OfVarOnlyTheFolder) {
  EXPECT_EQ(MountsOfPath({{"path", "/var/lib/x/y*/z"}, {"type", "Mount"}}),
            (HostMounts{.folders = {{"/var/lib/x", "/host/var/lib/x", true}}}));
  EXPECT_EQ(MountsOfPath({{"path", "/var/x"}, {"type", "Mount"}}),
            (HostMounts{.folders = {{"/var", "/host/var", false}}}));
}

TEST(HostMountsTest, GpusNeedTheirDriversFilesAndWhatTheKernelSays) {
  EXPECT_EQ(
      MountsOf({{"topology", false}, {"nvidia", json::object()}}),
      (HostMounts{.dev = true,
                  .sys = false,
                  .folders = {{"/proc/driver", "/host/proc/driver"}, {"/usr", "/host/usr"}}}));
  EXPECT_EQ(
      MountsOf({{"nvidia", {{"driverRoot", "/run/nvidia/driver"}}}}),
      (HostMounts{.dev = true,
                  .sys = true,
                  .folders = {{"/proc/driver", "/host/proc/driver"}, {"/run", "/host/run"}}}));
  EXPECT_EQ(MountsOf({{"nvidia", {{"driverRoot", "/home/kubernetes/bin/nvidia"}}}}),
            (HostMounts{.dev = true,
                        .sys = true,
                        .folders = {{"/home/kubernetes/bin", "/host/home/kubernetes/bin", true},
                                    {"/proc/driver", "/host/proc/driver"}}}));
}

TEST(HostMountsTest, CdiFilesAreWritten) {
  EXPECT_EQ(MountsOf({{"nvidia",
                       {{"driverRoot", "/opt/nvidia"},
                        {"deviceListStrategy", json::array({"envvar", "cdi-annotations"})}}}}),
            (HostMounts{.dev = true,
                        .sys = true,
                        .folders = {{"/opt", "/host/opt"},
                                    {"/proc/driver", "/host/proc/driver"},
                                    {"/usr", "/host/usr"},
                                    {"/var/run/cdi", "/host/var/run/cdi", true, true}}}));
}

TEST(HostMountsTest, AProgramIsWhereItsCommandSays) {
  EXPECT_EQ(MountsOf({{"exec", {{"command", {"/opt/vendor/bin/plugin", "--x"}}}}}),
            (HostMounts{.folders = {{"/opt/vendor/bin", "/opt/vendor/bin", true}}}));
  // Over these folders of the image nothing may be mounted.
  EXPECT_EQ(MountsOf({{"exec", {{"command", {"/usr/bin/plugin"}}}}}), HostMounts());
  EXPECT_EQ(MountsOf({{"exec", {{"command", {"/plugin"}}}}}), HostMounts());
}

}  // namespace
}  // namespace nodedevice
