// The rules of one plugin entry: each bad one is refused with the path and the words that an
// administrator reads.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/api/device_plugin_config.h"
#include "lib/api/field_reader.h"
#include "tests/unit/api/print_field_error.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kAllowList = HostPathPolicy::kAllowList;

json PathsEntry() {
  return json::parse(R"({
    "name": "serial",
    "resourceName": "nodedevices.io/serial",
    "paths": {"groups": [
      {"paths": [{"path": "/dev/ttyUSB*"}, {"path": "/run/locks", "type": "Mount", "optional": true}]},
      {"usb": [{"vendor": "1a86", "product": "0x7523", "serial": "A1"}]}]},
    "container": {
      "envs": {"A": "1"}, "annotations": {"example.com/a": "b"}, "cdi": ["vendor.com/class=one"],
      "mounts": [{"hostPath": "/opt/x", "containerPath": "/x", "readOnly": true}]},
    "sharing": {"replicas": 3, "failRequestsGreaterThanOne": true},
    "health": {"interval": "30s", "recover": "500ms"},
    "preferredAllocation": "spread",
    "topology": false})");
}

json StaticEntry() {
  return json::parse(R"({
    "name": "demo", "resourceName": "example.com/demo",
    "static": {"devices": [{"id": "a"}, {"id": "b", "healthy": false, "reason": "broken",
                                         "numaNodes": [0, 1]}]}})");
}

json ExecEntry() {
  return json::parse(R"({
    "name": "vendor", "resourceName": "vendor.example/thing",
    "exec": {"command": ["/opt/vendor/plugin", "--flag", ""]}})");
}

json OnloadEntry(const json& onload) {
  return {{"name", "onload"}, {"resourceName", "amd.com/onload"}, {"onload", onload}};
}

std::vector<FieldError> ErrorsOf(const json& entry) {
  return ParsePluginSpec(entry, kAllowList).errors;
}

// One change of a good entry, and the one error that it must give.
struct Rule {
  std::string pointer;
  json value;
  FieldError error;
};

void Check(const json& good, std::initializer_list<Rule> rules) {
  ASSERT_THAT(ErrorsOf(good), IsEmpty());
  for (const Rule& rule : rules) {
    json entry = good;
    entry[json::json_pointer(rule.pointer)] = rule.value;
    EXPECT_THAT(ErrorsOf(entry), ElementsAre(rule.error)) << rule.pointer << ' ' << rule.value;
  }
}

TEST(PluginSpecTest, EveryFieldOfAPathsEntryIsRead) {
  const Parsed<PluginSpec> parsed = ParsePluginSpec(PathsEntry(), kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  PluginSpec expected;
  expected.name = "serial";
  expected.resource_name = "nodedevices.io/serial";
  PathRule tty;
  tty.pattern = "/dev/ttyUSB*";
  PathRule locks;
  locks.pattern = "/run/locks";
  locks.type = PathRule::Type::kMount;
  locks.optional = true;
  expected.discovery = Paths{{{{tty, locks}, {}}, {{}, {{0x1a86, 0x7523, "A1"}}}}};
  expected.container.envs = {{"A", "1"}};
  expected.container.annotations = {{"example.com/a", "b"}};
  expected.container.cdi = {"vendor.com/class=one"};
  expected.container.mounts = {{"/opt/x", "/x", true}};
  expected.sharing = {3, true};
  expected.health = {std::chrono::seconds(30), std::chrono::milliseconds(500)};
  expected.preference = Preference::kSpread;
  expected.topology = false;
  expected.text = PathsEntry().dump();
  EXPECT_EQ(parsed.value, expected);
}

TEST(PluginSpecTest, EveryFieldOfAPathIsRead) {
  json entry = PathsEntry();
  entry["paths"]["groups"][0]["paths"] = json::parse(R"([
    {"path": "/dev/a", "containerPath": "/dev/x/", "permissions": "mr", "type": "Device",
     "limit": 7, "optional": false},
    {"path": "/var/b", "type": "Mount", "readOnly": true}])");
  const Parsed<PluginSpec> parsed = ParsePluginSpec(entry, kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  PathRule device;
  device.pattern = "/dev/a";
  device.container_path = "/dev/x/";
  device.permissions = "mr";
  device.limit = 7;
  PathRule mount;
  mount.pattern = "/var/b";
  mount.type = PathRule::Type::kMount;
  mount.read_only = true;
  EXPECT_THAT(std::get<Paths>(parsed.value.discovery).groups[0].paths, ElementsAre(device, mount));
}

TEST(PluginSpecTest, WhatIsNotWrittenHasItsDefault) {
  const Parsed<PluginSpec> parsed = ParsePluginSpec(StaticEntry(), kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  EXPECT_EQ(parsed.value.container, ContainerEdits());
  EXPECT_EQ(parsed.value.sharing, Sharing());
  EXPECT_EQ(parsed.value.health, HealthPolicy());
  EXPECT_EQ(parsed.value.preference, Preference::kPacked);
  EXPECT_TRUE(parsed.value.topology);
  EXPECT_EQ(std::get<Static>(parsed.value.discovery),
            (Static{{{"a", true, "", {}}, {"b", false, "broken", {0, 1}}}}));
}

TEST(PluginSpecTest, AnExecEntryIsACommand) {
  const Parsed<PluginSpec> parsed = ParsePluginSpec(ExecEntry(), kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  EXPECT_THAT(std::get<Exec>(parsed.value.discovery).command,
              ElementsAre("/opt/vendor/plugin", "--flag", ""));
}

TEST(PluginSpecTest, EveryFieldOfAPciEntryIsRead) {
  const json entry = json::parse(R"({
    "name": "nic", "resourceName": "intel.com/x710",
    "pci": {"selectors": [
      {"vendor": "8086", "device": "0x1572", "class": "0x0200", "driver": "i40e",
       "address": "0000:3B:*.0", "virtualFunction": true, "pfNames": ["ens1f0"],
       "rootDevices": ["0000:3B:00.0#0-3,7"]},
      {"class": "03"}], "driver": "mlx5_vfio_pci", "bind": false}})");
  const Parsed<PluginSpec> parsed = ParsePluginSpec(entry, kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  PciSelector selector;
  selector.vendor = 0x8086;
  selector.device = 0x1572;
  selector.class_prefix = "0200";
  selector.driver = "i40e";
  selector.address = "0000:3b:*.0";
  selector.virtual_function = true;
  selector.pf_names = {{"ens1f0", {}}};
  selector.root_devices = {{"0000:3b:00.0", {{0, 3}, {7, 7}}}};
  PciSelector display;
  display.class_prefix = "03";
  EXPECT_EQ(std::get<Pci>(parsed.value.discovery),
            (Pci{.selectors = {selector, display}, .driver = "mlx5_vfio_pci"}));
}

TEST(PluginSpecTest, PciDevicesNeedVfioWhereNothingElseIsSaid) {
  const auto parsed = ParsePluginSpec(json::parse(R"({"name": "a", "resourceName": "e.com/a",
                      "pci": {"selectors": [{"vendor": "10de"}]}})"),
                                      kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  const Pci& pci = std::get<Pci>(parsed.value.discovery);
  EXPECT_EQ(pci.driver, "vfio-pci");
  EXPECT_FALSE(pci.bind);
}

TEST(PluginSpecTest, EveryFieldOfMdevAndUsbIsRead) {
  const auto mdev = ParsePluginSpec(
      json::parse(R"({"name": "a", "resourceName": "e.com/a", "mdev": {"selectors": [
                      {"type": "GRID T4-1Q", "parent": "0000:3b:*",
                       "uuid": "83B8F4F2-509f-382f-3c1e-e6bfe0fa1001"}],
                      "create": [{"type": "nvidia-222"},
                                 {"type": "A", "count": 4, "parents": ["0000:3b:00.0"]}]}})"),
      kAllowList);
  ASSERT_TRUE(mdev.ok()) << ToString(mdev.errors);
  EXPECT_EQ(
      std::get<Mdev>(mdev.value.discovery),
      (Mdev{{{.type = "GRID T4-1Q",
              .uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
              .parent = "0000:3b:*"}},
            {{.type = "nvidia-222"}, {.type = "A", .count = 4, .parents = {"0000:3b:00.0"}}}}));
  const auto usb =
      ParsePluginSpec(json::parse(R"({"name": "a", "resourceName": "e.com/a", "usb": {"selectors": [
                      {"vendor": "1a86", "product": "7523", "serial": "X"},
                      {"vendor": "0403", "product": "0x1"}]}})"),
                      kAllowList);
  ASSERT_TRUE(usb.ok()) << ToString(usb.errors);
  EXPECT_EQ(std::get<Usb>(usb.value.discovery),
            (Usb{{{0x1a86, 0x7523, "X"}, {0x0403, 0x0001, ""}}}));
}

TEST(PluginSpecTest, TheTextIsTheEntryAgainWhateverTheOrderOfItsKeys) {
  for (const json& entry : {PathsEntry(), StaticEntry(), ExecEntry()}) {
    const PluginSpec spec = ParsePluginSpec(entry, kAllowList).value;
    const Parsed<PluginSpec> again = ParsePluginSpec(json::parse(spec.text), kAllowList);
    EXPECT_TRUE(again.ok()) << ToString(again.errors);
    EXPECT_EQ(again.value, spec);
  }
  EXPECT_EQ(ParsePluginSpec(json::parse(R"({"resourceName": "a.b/c", "name": "x",
                                            "exec": {"command": ["/y"]}})"),
                            kAllowList)
                .value.text,
            R"({"exec":{"command":["/y"]},"name":"x","resourceName":"a.b/c"})");
}

TEST(PluginSpecTest, ABadEntryHasNoText) {
  json entry = StaticEntry();
  entry["topology"] = 1;
  EXPECT_EQ(ParsePluginSpec(entry, kAllowList).value.text, "");
}

TEST(PluginSpecTest, TheEntryItself) {
  const std::string name_rule =
      "must be a DNS label (1 to 63 lower case letters, digits and '-', with a letter or digit at "
      "both ends), is ";
  Check(StaticEntry(),
        {{"/name", nullptr, {"name", "is required"}},
         {"/name", 5, {"name", "must be a string, is a number"}},
         {"/name", "", {"name", name_rule + "''"}},
         {"/name", "KVM", {"name", name_rule + "'KVM'"}},
         {"/name", "-a", {"name", name_rule + "'-a'"}},
         {"/name", "a.b", {"name", name_rule + "'a.b'"}},
         {"/name", std::string(64, 'a'), {"name", name_rule + "'" + std::string(64, 'a') + "'"}},
         {"/resourceName", nullptr, {"resourceName", "is required"}},
         {"/resourceName",
          "widget",
          {"resourceName",
           "'widget' is not an extended resource name: it has no domain, as in example.com/name"}},
         {"/topology", "yes", {"topology", "must be true or false, is a string"}},
         {"/preferredAllocation",
          "dense",
          {"preferredAllocation", "must be one of packed, spread, is 'dense'"}},
         {"/quantum",
          json::object(),
          {"quantum",
           "unknown field; known here: name, resourceName, paths, pci, mdev, usb, nvidia, onload, "
           "adjunctProcessor, static, "
           "exec, "
           "container, sharing, health, preferredAllocation, topology"}}});
  EXPECT_THAT(ErrorsOf(json("text")),
              ElementsAre(FieldError{"", "must be an object, is a string"}));
}

TEST(PluginSpecTest, ExactlyOneFamily) {
  Check(StaticEntry(), {{"/static",
                         nullptr,
                         {"",
                          "needs exactly one family of paths, pci, mdev, usb, nvidia, onload, "
                          "adjunctProcessor, static, exec, has none"}},
                        {"/exec",
                         ExecEntry()["exec"],
                         {"",
                          "needs exactly one family of paths, pci, mdev, usb, nvidia, onload, "
                          "adjunctProcessor, static, exec, has static, "
                          "exec"}}});
}

TEST(PluginSpecTest, Groups) {
  Check(PathsEntry(),
        {{"/paths", json::object(), {"paths.groups", "is required"}},
         {"/paths/groups", json::array(), {"paths.groups", "must not be empty"}},
         {"/paths/groups", "x", {"paths.groups", "must be a list, is a string"}},
         {"/paths/groups",
          std::vector<json>(257),
          {"paths.groups", "has 257 entries, more than 256"}},
         {"/paths/other", 1, {"paths.other", "unknown field; known here: groups"}},
         {"/paths/groups/1",
          json::object(),
          {"paths.groups[1]", "needs exactly one of paths and usb"}},
         {"/paths/groups/0/usb",
          json::array(),
          {"paths.groups[0]", "needs exactly one of paths and usb"}},
         {"/paths/groups/1/usb", json::array(), {"paths.groups[1].usb", "must not be empty"}},
         {"/paths/groups/0/paths", json::array(), {"paths.groups[0].paths", "must not be empty"}},
         {"/paths/groups/0/count",
          2,
          {"paths.groups[0].count", "unknown field; known here: paths, usb"}},
         {"/paths/groups/0/paths/0/optional",
          true,
          {"paths.groups[0].paths", "at least one path of a group must not be optional"}},
         {"/paths/groups/0/paths/1/path",
          "/run/*/lock*",
          {"paths.groups[0].paths",
           "paths with wildcards are paired by the text that these match, so all need the same "
           "number of them: '/dev/ttyUSB*' has 1, '/run/*/lock*' has 2"}}});
}

TEST(PluginSpecTest, PathsOfAGroup) {
  const std::string device = "/paths/groups/0/paths/0";
  const std::string mount = "/paths/groups/0/paths/1";
  const std::string permissions = "must be some of the letters r, w, m, each once, is ";
  Check(
      PathsEntry(),
      {{device, "x", {"paths.groups[0].paths[0]", "must be an object, is a string"}},
       {device + "/path", nullptr, {"paths.groups[0].paths[0].path", "is required"}},
       {device + "/path",
        "/root/x",
        {"paths.groups[0].paths[0].path",
         "must be below one of /dev, /sys, /var, /opt, /run, /usr, /etc"}},
       {device + "/path", "/dev/../x", {"paths.groups[0].paths[0].path", "must not hold '..'"}},
       {device + "/path",
        "/dev/x[",
        {"paths.groups[0].paths[0].path", "has a '[' without its ']'"}},
       {device + "/path",
        "/dev/\n",
        {"paths.groups[0].paths[0].path", "must not hold control characters"}},
       {device + "/path",
        "/dev/" + std::string(4096, 'x'),
        {"paths.groups[0].paths[0].path", "is longer than 4096 bytes"}},
       {device + "/containerPath",
        "serial",
        {"paths.groups[0].paths[0].containerPath", "must be an absolute path"}},
       {device + "/permissions", "", {"paths.groups[0].paths[0].permissions", permissions + "''"}},
       {device + "/permissions",
        "rr",
        {"paths.groups[0].paths[0].permissions", permissions + "'rr'"}},
       {device + "/permissions",
        "rx",
        {"paths.groups[0].paths[0].permissions", permissions + "'rx'"}},
       {mount + "/permissions",
        "r",
        {"paths.groups[0].paths[1].permissions",
         "applies to type Device only; a mount has readOnly"}},
       {device + "/readOnly",
        true,
        {"paths.groups[0].paths[0].readOnly",
         "applies to type Mount only; a device has permissions"}},
       {device + "/type",
        "File",
        {"paths.groups[0].paths[0].type", "must be one of Device, Mount, is 'File'"}},
       {device + "/limit",
        2,
        {"paths.groups[0].paths[0].limit",
         "applies to paths without wildcards only; sharing.replicas shares devices"}},
       {"/paths/groups/0/paths/1/limit",
        0,
        {"paths.groups[0].paths[1].limit", "must be an integer from 1 to 100000, is 0"}},
       {device + "/mode",
        "rw",
        {"paths.groups[0].paths[0].mode",
         "unknown field; known here: path, containerPath, type, permissions, readOnly, optional, "
         "limit"}}});
}

TEST(PluginSpecTest, UsbSelectors) {
  const std::string hex = "must be one to four hexadecimal digits such as \"1a86\", is ";
  const std::string at = "/paths/groups/1/usb/0";
  Check(
      PathsEntry(),
      {{at + "/vendor", nullptr, {"paths.groups[1].usb[0].vendor", "is required"}},
       {at + "/product", nullptr, {"paths.groups[1].usb[0].product", "is required"}},
       {at + "/vendor", "12345", {"paths.groups[1].usb[0].vendor", hex + "'12345'"}},
       {at + "/vendor", "0x", {"paths.groups[1].usb[0].vendor", hex + "'0x'"}},
       {at + "/vendor", "0x0x1", {"paths.groups[1].usb[0].vendor", hex + "'0x0x1'"}},
       {at + "/vendor", "-1", {"paths.groups[1].usb[0].vendor", hex + "'-1'"}},
       {at + "/vendor", "xyz", {"paths.groups[1].usb[0].vendor", hex + "'xyz'"}},
       {at + "/vendor",
        403,
        {"paths.groups[1].usb[0].vendor",
         "must be hexadecimal digits in quotes, such as \"0403\": without them it is read as "
         "another number"}},
       {at + "/vendor", true, {"paths.groups[1].usb[0].vendor", "must be a string, is a boolean"}},
       {at + "/serial", 5, {"paths.groups[1].usb[0].serial", "must be a string, is a number"}},
       {at + "/class",
        "x",
        {"paths.groups[1].usb[0].class", "unknown field; known here: vendor, product, serial"}}});
}

TEST(PluginSpecTest, AUsbIdMayBeWrittenInEveryUsualWay) {
  for (const json& id : {json("1a86"), json("0x1a86"), json("1A86")}) {
    json entry = PathsEntry();
    entry["paths"]["groups"][1]["usb"][0]["vendor"] = id;
    const Parsed<PluginSpec> parsed = ParsePluginSpec(entry, kAllowList);
    ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
    EXPECT_EQ(std::get<Paths>(parsed.value.discovery).groups[1].usb[0].vendor, 0x1a86) << id;
  }
}

TEST(PluginSpecTest, StaticDevices) {
  const std::string id = "must be 1 to 63 ASCII characters without spaces, is ";
  Check(StaticEntry(),
        {{"/static/devices", nullptr, {"static.devices", "is required"}},
         {"/static/devices", json::array(), {"static.devices", "must not be empty"}},
         {"/static/other",
          1,
          {"static.other", "unknown field; known here: cdiKind, devices, idsEnv, holdFile"}},
         {"/static/devices/0/id", nullptr, {"static.devices[0].id", "is required"}},
         {"/static/devices/0/id", "", {"static.devices[0].id", id + "''"}},
         {"/static/devices/0/id", "a b", {"static.devices[0].id", id + "'a b'"}},
         {"/static/devices/0/id",
          std::string(64, 'a'),
          {"static.devices[0].id", id + "'" + std::string(64, 'a') + "'"}},
         {"/static/devices/1/id",
          "a",
          {"static.devices[1].id", "'a' is already the id of static.devices[0]"}},
         {"/static/devices/0/healthy",
          "yes",
          {"static.devices[0].healthy", "must be true or false, is a string"}},
         {"/static/devices/1/numaNodes/0",
          1024,
          {"static.devices[1].numaNodes[0]", "must be an integer from 0 to 1023, is 1024"}},
         {"/static/devices/1/numa",
          0,
          {"static.devices[1].numa",
           "unknown field; known here: id, healthy, reason, numaNodes, nodes, mounts"}}});
}

TEST(PluginSpecTest, WhatStaticDevicesBring) {
  json entry = StaticEntry();
  entry["static"].update(json::parse(R"({
    "idsEnv": "SEATS", "cdiKind": "vendor.example/seat", "holdFile": "/run/hold"})"));
  entry["static"]["devices"][0].update(json::parse(R"({
    "nodes": [{"path": "/dev/a", "containerPath": "/dev/x", "permissions": "mr"},
              {"path": "/dev/b"}],
    "mounts": [{"hostPath": "/opt/a", "containerPath": "/a", "readOnly": true}]})"));
  const Parsed<PluginSpec> parsed = ParsePluginSpec(entry, kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  const auto& read = std::get<Static>(parsed.value.discovery);
  EXPECT_EQ(read.ids_env, "SEATS");
  EXPECT_EQ(read.cdi_kind, "vendor.example/seat");
  EXPECT_EQ(read.hold_file, "/run/hold");
  EXPECT_THAT(read.devices[0].nodes,
              ElementsAre(StaticNode{"/dev/a", "/dev/x", "mr"}, StaticNode{"/dev/b", "", "rw"}));
  EXPECT_THAT(read.devices[0].mounts, ElementsAre(MountEdit{"/opt/a", "/a", true}));

  const std::string kind = "must be a vendor and a class such as vendor.example/class, is ";
  const std::string device = "/static/devices/0";
  Check(entry,
        {{"/static/idsEnv",
          "",
          {"static.idsEnv", "the name of a variable must not be empty or hold '='"}},
         {"/static/cdiKind", "vendor", {"static.cdiKind", kind + "'vendor'"}},
         {"/static/cdiKind", "v/c=x", {"static.cdiKind", kind + "'v/c=x'"}},
         {"/static/holdFile", "run", {"static.holdFile", "must be an absolute path"}},
         {device + "/id",
          "a#",
          {"static.devices[0].id",
           "must be made of letters, digits, '_', '-', '.' and ':', with a letter or digit at both "
           "ends, for it is a CDI name, is 'a#'"}},
         {device + "/nodes",
          std::vector<json>(17),
          {"static.devices[0].nodes", "has 17 entries, more than 16"}},
         {device + "/nodes/0/path", nullptr, {"static.devices[0].nodes[0].path", "is required"}},
         {device + "/nodes/0/permissions",
          "",
          {"static.devices[0].nodes[0].permissions",
           "must be some of the letters r, w, m, each once, is ''"}},
         {device + "/nodes/0/type",
          "x",
          {"static.devices[0].nodes[0].type",
           "unknown field; known here: path, containerPath, permissions"}},
         {device + "/mounts/0/hostPath",
          "/tmp/x",
          {"static.devices[0].mounts[0].hostPath",
           "must be below one of /dev, /sys, /var, /opt, /run, /usr, /etc"}}});
}

TEST(PluginSpecTest, OnloadHasTheDefaultsOfAmdsPlugin) {
  const Parsed<PluginSpec> parsed = ParsePluginSpec(OnloadEntry(json::object()), kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  const auto& onload = std::get<Onload>(parsed.value.discovery);
  EXPECT_EQ(onload, Onload());
  EXPECT_EQ(onload.max, 100);
  EXPECT_TRUE(onload.need_nic);
  EXPECT_TRUE(onload.preload);
  EXPECT_FALSE(onload.mount_onload);
}

TEST(PluginSpecTest, EveryFieldOfOnloadIsRead) {
  const Parsed<PluginSpec> parsed = ParsePluginSpec(OnloadEntry(json::parse(R"({
    "announce": "Slots", "max": 7, "needNic": false, "preload": false, "mountOnload": true,
    "hostPath": "/", "baseMountPath": "/", "binPath": "/b", "libPath": "/l/m"})")),
                                                    kAllowList);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  EXPECT_EQ(std::get<Onload>(parsed.value.discovery), (Onload{.announce = Onload::Announce::kSlots,
                                                              .max = 7,
                                                              .need_nic = false,
                                                              .preload = false,
                                                              .mount_onload = true,
                                                              .host_path = "/",
                                                              .base_mount_path = "/",
                                                              .bin_path = "/b",
                                                              .lib_path = "/l/m"}));
}

TEST(PluginSpecTest, OnloadPreloadsUnlessTheCommandIsMounted) {
  const auto preload = [](const json& onload) {
    return std::get<Onload>(ParsePluginSpec(OnloadEntry(onload), kAllowList).value.discovery)
        .preload;
  };
  EXPECT_TRUE(preload({{"mountOnload", false}}));
  EXPECT_FALSE(preload({{"mountOnload", true}}));
}

TEST(PluginSpecTest, OnloadEntries) {
  const std::string both =
      "must not be true together with preload: either every program runs on Onload, or those that "
      "are started by the command onload";
  Check(OnloadEntry({{"preload", true}}),
        {{"/onload/mountOnload", true, {"onload.mountOnload", both}},
         {"/onload/announce",
          "Ports",
          {"onload.announce", "must be one of Slots, Interfaces, is 'Ports'"}},
         {"/onload/max", 0, {"onload.max", "must be an integer from 1 to 10000, is 0"}},
         {"/onload/hostPath", "opt", {"onload.hostPath", "must be an absolute path"}},
         {"/onload/hostPath",
          "/home",
          {"onload.hostPath", "must be below one of /dev, /sys, /var, /opt, /run, /usr, /etc"}},
         {"/onload/baseMountPath",
          "/x/",
          {"onload.baseMountPath", "must not hold an empty part ('//', or '/' at the end)"}},
         {"/onload/binPath", "/", {"onload.binPath", "must not be the root folder"}},
         {"/onload/libPath", "/../x", {"onload.libPath", "must not hold '..'"}},
         {"/onload/nic",
          "x",
          {"onload.nic",
           "unknown field; known here: announce, max, needNic, mountOnload, preload, hostPath, "
           "baseMountPath, binPath, libPath"}}});
  Check(OnloadEntry({{"announce", "Interfaces"}}),
        {{"/onload/max", 5, {"onload.max", "applies to announce: Slots only"}},
         {"/onload/needNic", true, {"onload.needNic", "applies to announce: Slots only"}}});
}

TEST(PluginSpecTest, Commands) {
  Check(
      ExecEntry(),
      {{"/exec", json::object(), {"exec.command", "is required"}},
       {"/exec/command", json::array(), {"exec.command", "must not be empty"}},
       {"/exec/command", "/opt/x", {"exec.command", "must be a list, is a string"}},
       {"/exec/command/0", "plugin", {"exec.command[0]", "must be an absolute path, is 'plugin'"}},
       {"/exec/command/1", 1, {"exec.command[1]", "must be a string, is a number"}},
       {"/exec/env", 1, {"exec.env", "unknown field; known here: command"}},
       {"/container", json::object(), {"container", "does not apply to exec"}},
       {"/sharing", json::object(), {"sharing", "does not apply to exec"}},
       {"/health", json::object(), {"health", "does not apply to exec"}},
       {"/preferredAllocation", "packed", {"preferredAllocation", "does not apply to exec"}},
       {"/topology", true, {"topology", "does not apply to exec"}}});
}

TEST(PluginSpecTest, WhatContainersAreGiven) {
  const std::string variable = "the name of a variable must not be empty or hold '='";
  const std::string cdi = "must be a CDI device name such as vendor.example/class=name, is ";
  Check(PathsEntry(),
        {{"/container/env",
          json::object(),
          {"container.env", "unknown field; known here: envs, mounts, annotations, cdi"}},
         {"/container/envs", json{{"", "x"}}, {"container.envs['']", variable}},
         {"/container/envs", json{{"A=B", "x"}}, {"container.envs['A=B']", variable}},
         {"/container/envs/A",
          std::string("a\0b", 3),
          {"container.envs.A", "must not hold control characters"}},
         {"/container/envs/A", 1, {"container.envs.A", "must be a string, is a number"}},
         {"/container/annotations",
          json{{"k", 1}},
          {"container.annotations.k", "must be a string, is a number"}},
         {"/container/mounts/0/hostPath", nullptr, {"container.mounts[0].hostPath", "is required"}},
         {"/container/mounts/0/hostPath",
          "/home/x",
          {"container.mounts[0].hostPath",
           "must be below one of /dev, /sys, /var, /opt, /run, /usr, /etc"}},
         {"/container/mounts/0/containerPath",
          nullptr,
          {"container.mounts[0].containerPath", "is required"}},
         {"/container/mounts/0/containerPath",
          "/a/../b",
          {"container.mounts[0].containerPath", "must not hold '..'"}},
         {"/container/mounts/0/mode",
          "ro",
          {"container.mounts[0].mode",
           "unknown field; known here: hostPath, containerPath, readOnly"}},
         {"/container/mounts/1",
          PathsEntry()["container"]["mounts"][0],
          {"container.mounts[1].containerPath",
           "'/x' is already the containerPath of container.mounts[0]"}},
         {"/container/cdi/0", "vendor.com/class", {"container.cdi[0]", cdi + "'vendor.com/class'"}},
         {"/container/cdi/0", "vendor=x", {"container.cdi[0]", cdi + "'vendor=x'"}},
         {"/container/cdi/0", "1vendor/class=x", {"container.cdi[0]", cdi + "'1vendor/class=x'"}},
         {"/container/cdi/0", "vendor/cl.ass=x", {"container.cdi[0]", cdi + "'vendor/cl.ass=x'"}},
         {"/container/cdi/0", "vendor/class=", {"container.cdi[0]", cdi + "'vendor/class='"}},
         {"/container/cdi/1",
          "vendor.com/class=one",
          {"container.cdi[1]", "'vendor.com/class=one' stands here twice"}}});
}

TEST(PluginSpecTest, SharingAndHealth) {
  const std::string duration = "must be a duration such as 500ms, 30s or 5m, is ";
  Check(
      PathsEntry(),
      {{"/sharing/replicas", 0, {"sharing.replicas", "must be an integer from 1 to 100000, is 0"}},
       {"/sharing/replicas",
        100001,
        {"sharing.replicas", "must be an integer from 1 to 100000, is 100001"}},
       {"/sharing/failRequestsGreaterThanOne",
        1,
        {"sharing.failRequestsGreaterThanOne", "must be true or false, is a number"}},
       {"/sharing/replica",
        1,
        {"sharing.replica", "unknown field; known here: replicas, failRequestsGreaterThanOne"}},
       {"/health/interval", 30, {"health.interval", "must be a string, is a number"}},
       {"/health/interval", "30", {"health.interval", duration + "'30'"}},
       {"/health/interval", "soon", {"health.interval", duration + "'soon'"}},
       {"/health/interval", "500ms", {"health.interval", "must be from 1s to 1h, is '500ms'"}},
       {"/health/interval", "61m", {"health.interval", "must be from 1s to 1h, is '61m'"}},
       {"/health/recover", "-1s", {"health.recover", "must be from 0 to 1h, is '-1s'"}},
       {"/health/recover", "inf", {"health.recover", "must be from 0 to 1h, is 'inf'"}},
       {"/health/retry", "1s", {"health.retry", "unknown field; known here: interval, recover"}}});
}

TEST(PluginSpecTest, WhoStartsAPluginByHandMayNameAnyPath) {
  json entry = PathsEntry();
  entry["paths"]["groups"][0]["paths"][0]["path"] = "/home/me/dev/*";
  EXPECT_TRUE(ParsePluginSpec(entry, HostPathPolicy::kAny).ok());
  EXPECT_FALSE(ParsePluginSpec(entry, kAllowList).ok());
}

TEST(PluginSpecTest, NestingWithoutEndIsOneMoreUnknownField) {
  json deep = json::parse(std::string(100'000, '[') + std::string(100'000, ']'));
  json entry = StaticEntry();
  entry["deep"] = std::move(deep);
  EXPECT_EQ(ErrorsOf(entry).size(), 1u);
}

}  // namespace
}  // namespace nodedevice
