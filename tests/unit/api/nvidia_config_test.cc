// NVIDIA's own configuration file: what its plugin accepts is accepted and means the same, and what
// cannot be done here is refused where it stands.

#include "lib/api/nvidia_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/print_field_error.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Strategy = Nvidia::ListStrategy;

NvidiaConfig Read(std::string_view text, const Nvidia& entry = {}) {
  const auto parsed = ParseNvidiaConfig(text, entry);
  EXPECT_TRUE(parsed.ok()) << ToString(parsed.errors);
  return parsed.value;
}

std::vector<FieldError> ErrorsOf(std::string_view text) {
  return ParseNvidiaConfig(text, {}).errors;
}

GpuSharing Shared(const std::string& name, const std::string& announced_as, int replicas,
                  bool one_only) {
  return {name, announced_as, {replicas, one_only}};
}

TEST(NvidiaConfigTest, AFileOfTheReadmeIsWhatItSays) {
  Nvidia entry;
  entry.driver_root = "/run/nvidia/driver";
  entry.xids.ignored = {79};
  const NvidiaConfig config = Read(R"(
version: v1
flags:
  migStrategy: mixed
  failOnInitError: false
  nvidiaDriverRoot: /run/nvidia/driver
  deviceDiscoveryStrategy: auto
  plugin:
    passDeviceSpecs: true
    deviceListStrategy: [cdi-annotations, volume-mounts]
    deviceIDStrategy: index
    cdiAnnotationPrefix: cdi.example/
    nvidiaCTKPath: /usr/bin/nvidia-ctk
    containerDriverRoot: /driver-root
    sharedDevicesAllocationPolicy: packed
  gfd: {oneshot: false, sleepInterval: 60s}
sharing:
  timeSlicing:
    renameByDefault: true
    failRequestsGreaterThanOne: true
    resources:
    - {name: nvidia.com/gpu, replicas: 10}
    - {name: mig-1g.5gb, devices: all, replicas: 2}
)",
                                   entry);
  Nvidia expected = entry;
  expected.mig_strategy = Nvidia::MigStrategy::kMixed;
  expected.device_list_strategy = {Strategy::kCdiAnnotations, Strategy::kVolumeMounts};
  expected.device_id_strategy = Nvidia::IdStrategy::kIndex;
  expected.pass_device_specs = true;
  expected.cdi_annotation_prefix = "cdi.example/";
  EXPECT_EQ(config.family, expected);
  EXPECT_EQ(config.preference, Preference::kPacked);
  EXPECT_THAT(
      config.sharing,
      ElementsAre(Shared("nvidia.com/gpu", "nvidia.com/gpu.shared", 10, true),
                  Shared("nvidia.com/mig-1g.5gb", "nvidia.com/mig-1g.5gb.shared", 2, true)));
  EXPECT_THAT(config.notes, IsEmpty());
  ASSERT_NE(SharingOf(config, "nvidia.com/gpu"), nullptr);
  EXPECT_EQ(SharingOf(config, "nvidia.com/gpu")->sharing.replicas, 10);
  EXPECT_EQ(SharingOf(config, "nvidia.com/mig-2g.10gb"), nullptr);
}

TEST(NvidiaConfigTest, NothingIsSaidByNothing) {
  NvidiaConfig nothing;
  for (const char* text :
       {"", "# of ours\n", "version: v1", "version: ''", "{}", "flags:\nsharing:\n",
        "sharing: {timeSlicing: null}", R"({"version": "v1", "flags": {}})"}) {
    EXPECT_EQ(Read(text), nothing) << text;
  }
}

TEST(NvidiaConfigTest, KeysOfNoMeaningHereArePassedOver) {
  EXPECT_EQ(Read("x: 1\nflags: {gfd: {noTimestamp: true}, useNodeFeatureAPI: true, y: [1], "
                 "gdsEnabled: false, nvidiaDevRoot: /, plugin: {z: 2}}\nimex: {channelIDs: []}"),
            NvidiaConfig());
}

TEST(NvidiaConfigTest, OneWayToTellContainersMayBeAWord) {
  EXPECT_THAT(Read("flags: {plugin: {deviceListStrategy: cdi-cri}}").family.device_list_strategy,
              ElementsAre(Strategy::kCdiCri));
  EXPECT_THAT(ErrorsOf("flags: {plugin: {deviceListStrategy: cdi}}"),
              ElementsAre(FieldError{"flags.plugin.deviceListStrategy",
                                     "must be one of envvar, volume-mounts, cdi-annotations, "
                                     "cdi-cri, is 'cdi'"}));
}

TEST(NvidiaConfigTest, WhatItsPluginDoesNotFollowIsNoted) {
  const NvidiaConfig config = Read(R"(
resources:
  gpus: [{pattern: '*A100*', name: a100}]
sharing:
  timeSlicing:
    resources:
    - {name: gpu, rename: gpu.mine, devices: [0, '1'], replicas: 2}
    - {name: nvidia.com/gpu, devices: 1, replicas: 3}
)");
  EXPECT_THAT(config.sharing, ElementsAre(Shared("nvidia.com/gpu", "nvidia.com/gpu", 3, false)));
  const std::string list = "sharing.timeSlicing.resources";
  EXPECT_THAT(
      config.notes,
      ElementsAre("resources: is not followed, as with NVIDIA's own plugin",
                  list + "[0].rename: is not followed, as with NVIDIA's own plugin; only "
                         "renameByDefault changes a name",
                  list + "[0].devices: is not followed, all devices are shared, as NVIDIA's own "
                         "plugin does",
                  list + "[1].devices: is not followed, all devices are shared, as NVIDIA's own "
                         "plugin does",
                  list + "[1]: 'nvidia.com/gpu' stands here twice; this one counts"));
  // The name that it gets anyway is no news.
  EXPECT_THAT(Read("sharing: {timeSlicing: {renameByDefault: true, resources: "
                   "[{name: gpu, rename: gpu.shared, replicas: 2}]}}")
                  .notes,
              IsEmpty());
}

TEST(NvidiaConfigTest, EachRuleIsToldWithItsPath) {
  const auto resource = [](const std::string& fields) {
    return ErrorsOf("sharing: {timeSlicing: {resources: [{" + fields + "}]}}");
  };
  const std::string first = "sharing.timeSlicing.resources[0].";
  EXPECT_THAT(ErrorsOf("version: v2"), ElementsAre(FieldError{"version", "must be v1, is 'v2'"}));
  EXPECT_THAT(ErrorsOf("flags: {migStrategy: both}"),
              ElementsAre(FieldError{"flags.migStrategy",
                                     "must be one of none, single, mixed, is 'both'"}));
  EXPECT_THAT(ErrorsOf("sharing: {timeSlicing: {}}"),
              ElementsAre(FieldError{"sharing.timeSlicing.resources", "is required"}));
  EXPECT_THAT(
      resource("name: gpu, replicas: 1"),
      ElementsAre(FieldError{first + "replicas", "must be an integer from 2 to 100000, is 1"}));
  EXPECT_THAT(resource("name: gpu"), ElementsAre(FieldError{first + "replicas", "is required"}));
  EXPECT_THAT(resource("replicas: 2"), ElementsAre(FieldError{first + "name", "is required"}));
  EXPECT_THAT(resource("name: example.com/gpu, replicas: 2"),
              ElementsAre(FieldError{first + "name",
                                     "must be a resource of nvidia.com, is 'example.com/gpu'"}));
  EXPECT_THAT(resource("name: " + std::string(53, 'a') + ", replicas: 2").size(), 1u);
  EXPECT_THAT(resource("name: " + std::string(52, 'a') + ", replicas: 2"), IsEmpty());
  EXPECT_THAT(resource("name: -a, replicas: 2").size(), 1u);
  for (const char* devices : {"some", "0", "1.5", "true"}) {
    EXPECT_THAT(resource(std::string("name: gpu, replicas: 2, devices: ") + devices),
                ElementsAre(FieldError{first + "devices",
                                       "must be all, a number of devices or a list of them"}));
  }
}

TEST(NvidiaConfigTest, WhatIsNotDoneHereIsRefusedWithTheWayOut) {
  EXPECT_THAT(
      ErrorsOf("flags: {gdsEnabled: true}"),
      ElementsAre(FieldError{"flags.gdsEnabled",
                             "is not done here; leave it out, and have the entry set the variable "
                             "that asks for it: container: {envs: {NVIDIA_GDS: enabled}}"}));
  EXPECT_THAT(ErrorsOf("flags: {gdrcopyEnabled: true, mofedEnabled: true}").size(), 2u);
  EXPECT_THAT(ErrorsOf("flags: {deviceDiscoveryStrategy: tegra}"),
              ElementsAre(FieldError{"flags.deviceDiscoveryStrategy",
                                     "is tegra, whose GPUs are not found here"}));
  EXPECT_THAT(
      ErrorsOf("imex: {channelIDs: [0], required: true}"),
      ElementsAre(FieldError{"imex.channelIDs", "IMEX channels are not given here; leave it out"},
                  FieldError{"imex.required", "IMEX channels are not given here; leave it out"}));
  EXPECT_THAT(
      ErrorsOf("flags: {nvidiaDriverRoot: /run/nvidia/driver}"),
      ElementsAre(FieldError{"flags.nvidiaDriverRoot",
                             "is '/run/nvidia/driver', but driverRoot of the entry is '/'; say it "
                             "there, which also shows the folder to the plugin"}));
}

TEST(NvidiaConfigTest, MpsSharesTheResourcesThatItNames) {
  Nvidia entry;
  entry.mps_root = "/var/mps";
  const NvidiaConfig config = Read(R"(
flags: {mpsRoot: /var/mps, migStrategy: single}
sharing:
  timeSlicing: {resources: [{name: gpu, replicas: 100}]}
  mps: {renameByDefault: true, resources: [{name: gpu, replicas: 48}]}
)",
                                   entry);
  EXPECT_TRUE(UsesMps(config.family));
  EXPECT_THAT(config.sharing,
              ElementsAre(Shared("nvidia.com/gpu", "nvidia.com/gpu.shared", 48, true)));
  EXPECT_THAT(config.notes, ElementsAre("sharing.timeSlicing: is not followed beside mps, as with "
                                        "NVIDIA's own plugin"));
  EXPECT_FALSE(Read("sharing: {mps: {failRequestsGreaterThanOne: false, resources: [{name: gpu, "
                    "replicas: 2}]}}")
                   .sharing[0]
                   .sharing.fail_requests_greater_than_one);
}

TEST(NvidiaConfigTest, MpsHasLimitsOfItsOwn) {
  EXPECT_THAT(ErrorsOf("sharing: {mps: {resources: [{name: gpu, replicas: 49}]}}"),
              ElementsAre(FieldError{"sharing.mps.resources[0].replicas",
                                     "must be an integer from 2 to 48, is 49"}));
  EXPECT_THAT(
      ErrorsOf("flags: {migStrategy: mixed}\n"
               "sharing: {mps: {resources: [{name: gpu, replicas: 2}]}}"),
      ElementsAre(FieldError{"sharing.mps",
                             "must not stand with flags.migStrategy mixed: MPS shares whole "
                             "GPUs"}));
  EXPECT_THAT(ErrorsOf("flags: {mpsRoot: /mps}"),
              ElementsAre(FieldError{"flags.mpsRoot",
                                     "is '/mps', but mpsRoot of the entry is '/run/nvidia/mps'; "
                                     "say it there, which also shows the folder to the plugin"}));
}

TEST(NvidiaConfigTest, TextThatIsNoYamlIsOneError) {
  EXPECT_THAT(ErrorsOf("flags: ["), ElementsAre(::testing::Field(&FieldError::path, "")));
  EXPECT_THAT(ErrorsOf("[]"), ElementsAre(FieldError{"", "must be an object, is a list"}));
}

}  // namespace
}  // namespace nodedevice
