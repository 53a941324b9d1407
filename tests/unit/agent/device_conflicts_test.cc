#include "agent/device_conflicts.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUuid[] = "GPU-6b1bd8b2-3d4f-4a3e-9c55-0a1b2c3d4e5f";

// A resource of the plugin that is called as the resource is.
AnnouncedResource Resource(const std::string& name, std::vector<AnnouncedDevice> devices) {
  return {.plugin = name,
          .resource = "example.com/" + name,
          .shared = false,
          .devices = std::move(devices)};
}

AnnouncedResource Shared(const std::string& name, std::vector<AnnouncedDevice> devices) {
  AnnouncedResource resource = Resource(name, std::move(devices));
  resource.shared = true;
  return resource;
}

AnnouncedDevice Device(const std::string& paths, const std::string& id = "id") {
  return {.id = id, .healthy = true, .paths = paths};
}

AnnouncedDevice Gone(const std::string& paths) {
  return {.id = "id", .healthy = false, .paths = paths};
}

// "/dev/a: x, y" of each conflict.
std::vector<std::string> Found(const std::vector<AnnouncedResource>& resources,
                               const std::set<DeviceConflict>& known = {}) {
  std::vector<std::string> found;
  for (const DeviceConflict& conflict : FindDeviceConflicts(resources, known)) {
    found.push_back(
        absl::StrCat(conflict.device, ": ", conflict.plugin, ", ", conflict.other_plugin));
  }
  return found;
}

TEST(DeviceConflictsTest, FindsADeviceThatTwoResourcesAnnounce) {
  const struct {
    const char* what;
    std::vector<AnnouncedResource> resources;
    std::vector<std::string> found;
  } cases[] = {
      {"one node, whatever else the resources have",
       {Resource("b", {Device("/dev/ttyUSB0"), Device("/dev/ttyUSB1")}),
        Resource("a", {Device("/dev/ttyUSB1"), Device("/dev/ttyUSB2")})},
       {"/dev/ttyUSB1: a, b"}},
      {"a node that is a part of another device",
       {Resource("a", {Device("/dev/snd/controlC0 /dev/snd/pcmC0D0p")}),
        Resource("b", {Device("/dev/snd/controlC0")})},
       {"/dev/snd/controlC0: a, b"}},
      {"three resources",
       {Resource("a", {Device("/dev/x")}), Resource("b", {Device("/dev/x")}),
        Resource("c", {Device("/dev/x")})},
       {"/dev/x: a, b", "/dev/x: a, c", "/dev/x: b, c"}},
      {"one that only one of the two shares",
       {Shared("a", {Device("/dev/x")}), Resource("b", {Device("/dev/x")})},
       {"/dev/x: a, b"}},
      {"functions of one IOMMU group",
       {Resource("a", {Device("/dev/vfio/vfio /dev/vfio/12 /dev/vfio/devices/vfio0")}),
        Resource("b", {Device("/dev/vfio/vfio /dev/vfio/12 /dev/vfio/devices/vfio1")})},
       {"/dev/vfio/12: a, b"}},
      {"a group without an IOMMU",
       {Resource("a", {Device("/dev/vfio/vfio /dev/vfio/noiommu-0")}),
        Resource("b", {Device("/dev/vfio/vfio /dev/vfio/noiommu-0")})},
       {"/dev/vfio/noiommu-0: a, b"}},
      {"a function without nodes",
       {Resource("a", {Device("", "0000:3b:00.2")}), Resource("b", {Device("", "0000:3b:00.2")})},
       {"0000:3b:00.2: a, b"}},
      {"a GPU, of which one resource shows the node",
       {Resource("a", {Device("/dev/nvidiactl /dev/nvidia0", kUuid)}),
        Resource("b", {Device("", kUuid)})},
       {absl::StrCat(kUuid, ": a, b")}},
      {"a GPU alone and in shares",
       {Resource("a", {Device("", kUuid)}), Shared("b", {Device("", kUuid)})},
       {absl::StrCat(kUuid, ": a, b")}},
      {"a GPU as a whole and cut",
       {Resource("a", {Device("/dev/nvidia0 /dev/nvidiactl", "nvidia0")}),
        Resource("b", {Device("/dev/nvidia0 /dev/nvidia-caps/nvidia-cap3 /dev/nvidiactl",
                              "nvidia0/gi1")})},
       {"/dev/nvidia0: a, b"}},
  };
  for (const auto& example : cases) {
    EXPECT_THAT(Found(example.resources), ::testing::ElementsAreArray(example.found))
        << example.what;
  }
}

TEST(DeviceConflictsTest, GivesNoFalseAlarm) {
  const struct {
    const char* what;
    std::vector<AnnouncedResource> resources;
  } cases[] = {
      {"nothing", {}},
      {"resources without a device", {Resource("a", {}), Resource("b", {})}},
      {"other devices", {Resource("a", {Device("/dev/x")}), Resource("b", {Device("/dev/x1")})}},
      {"twice in one resource", {Resource("a", {Device("/dev/x"), Device("/dev/x")})}},
      {"both share it", {Shared("a", {Device("/dev/x")}), Shared("b", {Device("/dev/x")})}},
      {"a GPU in shares of two kinds",
       {Shared("a", {Device("/dev/nvidia0", kUuid)}),
        Shared("b", {Device("/dev/nvidia0", kUuid)})}},
      {"what is shared goes along with something else",
       {Resource("a", {Device("/dev/x /dev/ctl")}), Shared("b", {Device("/dev/ctl")})}},
      {"whoever opens it gets his own",
       {Resource("a", {Device("/dev/kvm")}), Resource("b", {Device("/dev/kvm")}),
        Resource("c", {Device("/dev/net/tun /dev/kvm")})}},
      {"one that goes along with the devices of both",
       {Resource("a", {Device("/dev/x /dev/fuse")}), Resource("b", {Device("/dev/y /dev/fuse")}),
        Resource("c", {Device("/dev/fuse")})}},
      {"a node of a driver that is not known to be open to all",
       {Resource("a", {Device("/dev/x /dev/ctl")}), Resource("b", {Device("/dev/y /dev/ctl")})}},
      {"the container of vfio",
       {Resource("a", {Device("/dev/vfio/vfio /dev/vfio/12")}),
        Resource("b", {Device("/dev/vfio/vfio /dev/vfio/13")})}},
      {"MIG devices of one GPU",
       {Resource("a", {Device("/dev/nvidiactl /dev/nvidia0 /dev/nvidia-caps/nvidia-cap21",
                              "MIG-1b1bd8b2-3d4f-4a3e-9c55-0a1b2c3d4e5f")}),
        Resource("b", {Device("/dev/nvidiactl /dev/nvidia0 /dev/nvidia-caps/nvidia-cap30",
                              "MIG-2b1bd8b2-3d4f-4a3e-9c55-0a1b2c3d4e5f")})}},
      {"slots of Onload",
       {Resource("a", {Device("/dev/onload /dev/onload_epoll /dev/sfc_char /usr/lib64/libonload.so",
                              "sfc-0")}),
        Resource("b", {Device("/dev/onload /dev/onload_epoll /dev/sfc_char /usr/lib64/libonload.so",
                              "sfc-0")})}},
      {"a list of devices by mounts",
       {Resource("a", {Device("/dev/null", kUuid)}),
        Resource("b", {Device("/dev/null", "GPU-7b1bd8b2-3d4f-4a3e-9c55-0a1b2c3d4e5f")})}},
      {"static devices of one id",
       {Resource("a", {Device("", "licence-1")}), Resource("b", {Device("", "licence-1")})}},
      {"a mount of one folder",
       {Resource("a", {Device("/opt/data")}), Resource("b", {Device("/opt/data")})}},
  };
  for (const auto& example : cases) {
    EXPECT_THAT(Found(example.resources), IsEmpty()) << example.what;
  }
}

TEST(DeviceConflictsTest, AnUnhealthyDeviceStartsNoConflictButGoesOnWithOne) {
  const std::vector<AnnouncedResource> healthy = {Resource("a", {Device("/dev/vfio/7")}),
                                                  Resource("b", {Device("/dev/vfio/7")})};
  const std::vector<AnnouncedResource> gone = {Resource("a", {Gone("/dev/vfio/7")}),
                                               Resource("b", {Device("/dev/vfio/7")})};
  EXPECT_THAT(Found(gone), IsEmpty());
  EXPECT_THAT(Found(gone, FindDeviceConflicts(healthy, {})), ElementsAre("/dev/vfio/7: a, b"));
}

TEST(DeviceConflictsTest, IgnoresTheEndOfATextThatWasCut) {
  std::string paths = "/dev/own";
  while (paths.size() < kMaxReportText) paths += " /dev/null";
  paths = paths.substr(0, kMaxReportText - 7) + " /dev/x";
  EXPECT_THAT(Found({Resource("a", {Device(paths)}), Resource("b", {Device("/dev/x")})}),
              IsEmpty());
  EXPECT_THAT(Found({Resource("a", {Device(paths)}), Resource("b", {Device("/dev/own")})}),
              ElementsAre("/dev/own: a, b"));
}

TEST(DeviceConflictsTest, SaysWhichDeviceWhichResourcesAndWhatToDo) {
  EXPECT_THAT(
      ToSentences(FindDeviceConflicts(
          {Resource("a", {Device("/dev/x"), Device("/dev/y"), Device("/dev/z")}),
           Resource("b", {Device("/dev/x"), Device("/dev/y")}), Resource("c", {Device("/dev/z")})},
          {})),
      ElementsAre("/dev/x and 1 more are announced as example.com/a and as example.com/b "
                  "(plugins a and b): the kubelet may give one to two pods at the same "
                  "time, each of which takes it for its own. Take it out of one of the two "
                  "entries; if pods may share it, say so with sharing.replicas in both",
                  "/dev/z is announced as example.com/a and as example.com/c (plugins a "
                  "and c): the kubelet may give it to two pods at the same time, each of "
                  "which takes it for its own. Take it out of one of the two entries; if "
                  "pods may share it, say so with sharing.replicas in both"));
}

TEST(DeviceConflictsTest, NamesAtMostSixteenPairsOfResources) {
  std::vector<AnnouncedResource> resources;
  for (char name = 'a'; name <= 'h'; ++name) {
    resources.push_back(Resource(std::string(1, name), {Device("/dev/x")}));
  }
  const std::vector<std::string> sentences = ToSentences(FindDeviceConflicts(resources, {}));
  ASSERT_THAT(sentences, SizeIs(17));
  EXPECT_EQ(sentences.back(), "and so are devices of 12 more pairs of resources");
}

// ---- over time ----------------------------------------------------------------------------------

PluginSpec Entry(const std::string& name, const std::string& text = "") {
  PluginSpec spec;
  spec.name = name;
  spec.resource_name = "example.com/" + name;
  spec.text = name + text;
  return spec;
}

// A plugin that runs and has reported one device, announced so many times.
PluginStatus Running(const std::string& name, const std::string& paths,
                     std::uint64_t replicas = 1) {
  PluginStatus plugin;
  plugin.name = name;
  plugin.resource_name = "example.com/" + name;
  plugin.phase = PluginPhase::kRunning;
  ResourceReport& report = plugin.resources.emplace_back();
  report.resource = plugin.resource_name;
  report.phase = RegistrationPhase::kStreaming;
  report.healthy = replicas;
  report.devices = {{.id = "id", .healthy = true, .reason = "", .paths = paths, .numa_nodes = {}}};
  return plugin;
}

PluginStatus In(PluginPhase phase, PluginStatus plugin) {
  plugin.phase = phase;
  return plugin;
}

// One that has no process.
PluginStatus Crashed(const std::string& name) {
  PluginStatus plugin = In(PluginPhase::kBackingOff, Running(name, ""));
  plugin.resources.clear();
  return plugin;
}

class DeviceConflictsOverTime : public ::testing::Test {
 protected:
  DeviceConflictsOverTime() { conflicts_.Expect({Entry("a"), Entry("b")}); }
  std::size_t Look(const PluginStatus& a, const PluginStatus& b) {
    return conflicts_.Look({a, b}).size();
  }
  DeviceConflicts conflicts_;
};

TEST_F(DeviceConflictsOverTime, SeesWhatPluginsReportAndWhenTheyDoNotAnyMore) {
  EXPECT_EQ(Look(Running("a", "/dev/x"), Crashed("b")), 0u);
  EXPECT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/x")), 1u);
  EXPECT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/x")), 1u);
  EXPECT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/y")), 0u);
}

TEST_F(DeviceConflictsOverTime, KnowsWhatIsShared) {
  EXPECT_EQ(Look(Running("a", "/dev/x", 10), Running("b", "/dev/x", 2)), 0u);
  EXPECT_EQ(Look(Running("a", "/dev/x", 10), Running("b", "/dev/x", 1)), 1u);
}

TEST_F(DeviceConflictsOverTime, DoesNotCountWhatAnEntryHoldsBack) {
  PluginStatus held = Running("b", "/dev/x");
  held.resources[0].phase = RegistrationPhase::kHeld;
  EXPECT_EQ(Look(Running("a", "/dev/x"), held), 0u);
  EXPECT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/x")), 1u);
}

TEST_F(DeviceConflictsOverTime, DoesNotFlapWhenAPluginCrashesOrTheKubeletIsAway) {
  ASSERT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/x")), 1u);
  PluginStatus idle = Running("b", "/dev/x");
  idle.phase = PluginPhase::kStarting;
  idle.resources[0].phase = RegistrationPhase::kIdle;
  PluginStatus starting = idle;
  starting.resources.clear();
  PluginStatus withdrawing = In(PluginPhase::kStopping, Running("b", "/dev/x"));
  withdrawing.resources[0].devices.clear();
  for (const PluginStatus& b : {Crashed("b"), idle, starting, withdrawing}) {
    EXPECT_EQ(Look(Running("a", "/dev/x"), b), 1u) << ToString(b.phase);
  }
  EXPECT_THAT(conflicts_.Look({}), SizeIs(1));  // the agent is stopping
}

TEST_F(DeviceConflictsOverTime, ForgetsAnEntryThatChangesAndItsLastProcess) {
  ASSERT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/x")), 1u);
  conflicts_.Expect({Entry("a"), Entry("b", "another")});
  EXPECT_EQ(Look(Running("a", "/dev/x"), In(PluginPhase::kStopping, Running("b", "/dev/x"))), 0u);
  EXPECT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/x")), 1u);
}

TEST_F(DeviceConflictsOverTime, ForgetsAnEntryThatLeaves) {
  ASSERT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/x")), 1u);
  conflicts_.Expect({Entry("a"), Entry("c")});
  EXPECT_THAT(
      conflicts_.Look({Running("a", "/dev/x"), In(PluginPhase::kStopping, Running("b", "/dev/x")),
                       Running("c", "/dev/y")}),
      IsEmpty());
  conflicts_.Expect({});
  EXPECT_THAT(conflicts_.Look({Running("a", "/dev/x")}), IsEmpty());
}

TEST_F(DeviceConflictsOverTime, KeepsWhatItKnowsWhenAnotherEntryComes) {
  ASSERT_EQ(Look(Running("a", "/dev/x"), Running("b", "/dev/x")), 1u);
  conflicts_.Expect({Entry("a"), Entry("b"), Entry("c")});
  EXPECT_THAT(conflicts_.Look({}), ElementsAre(AllOf(HasSubstr("/dev/x is announced as"),
                                                     HasSubstr("(plugins a and b)"))));
}

TEST_F(DeviceConflictsOverTime, ComparesTheResourcesOfOnePlugin) {
  PluginStatus both = Running("a", "/dev/x");
  both.resources.push_back(Running("z", "/dev/x").resources[0]);
  EXPECT_THAT(conflicts_.Look({both}),
              ElementsAre(HasSubstr("example.com/a and as example.com/z (plugin a):")));
}

}  // namespace
}  // namespace nodedevice::testing
