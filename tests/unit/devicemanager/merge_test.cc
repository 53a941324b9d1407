#include "devicemanager/merge.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

v1beta1::ContainerAllocateResponse Answer(const std::string& tag) {
  v1beta1::ContainerAllocateResponse answer;
  (*answer.mutable_envs())["SHARED"] = tag;
  (*answer.mutable_envs())["OWN_" + tag] = "1";
  auto& mount = *answer.add_mounts();
  mount.set_container_path("/opt/shared");
  mount.set_host_path("/host/" + tag);
  mount.set_read_only(true);
  auto& device = *answer.add_devices();
  device.set_container_path("/dev/shared");
  device.set_host_path("/dev/" + tag);
  device.set_permissions("rw");
  (*answer.mutable_annotations())["note"] = tag;
  answer.add_cdi_devices()->set_name("vendor.example/class=" + tag);
  answer.add_cdi_devices()->set_name("vendor.example/class=both");
  return answer;
}

TEST(MergeTest, OneAnswerIsTakenAsItIs) {
  const ContainerSpec spec = Merge({{"example.com/a", Answer("a")}});
  EXPECT_THAT(spec.envs, ElementsAre(Pair("OWN_a", "1"), Pair("SHARED", "a")));
  EXPECT_EQ(spec.mounts.at("/opt/shared"), (ContainerSpec::Mount{"/host/a", true}));
  EXPECT_EQ(spec.devices.at("/dev/shared"), (ContainerSpec::DeviceNode{"/dev/a", "rw"}));
  EXPECT_THAT(spec.annotations, ElementsAre(Pair("note", "a")));
  EXPECT_THAT(spec.cdi_devices, ElementsAre("vendor.example/class=a", "vendor.example/class=both"));
  EXPECT_THAT(spec.conflicts, IsEmpty());
}

TEST(MergeTest, TheFirstResourceWinsAndEveryConflictIsListed) {
  const ContainerSpec spec =
      Merge({{"example.com/b", Answer("b")}, {"example.com/a", Answer("a")}});
  EXPECT_EQ(spec.envs.at("SHARED"), "a");
  EXPECT_EQ(spec.envs.at("OWN_b"), "1");
  EXPECT_EQ(spec.mounts.at("/opt/shared").host_path, "/host/a");
  EXPECT_EQ(spec.devices.at("/dev/shared").host_path, "/dev/a");
  EXPECT_EQ(spec.annotations.at("note"), "a");
  EXPECT_THAT(spec.cdi_devices, ElementsAre("vendor.example/class=a", "vendor.example/class=both",
                                            "vendor.example/class=b"));
  const std::string wins = "; that of example.com/a is used here, a kubelet uses either at random";
  EXPECT_THAT(
      spec.conflicts,
      ElementsAre("env 'SHARED': example.com/a says 'a', example.com/b says 'b'" + wins,
                  "mount '/opt/shared': example.com/a says '/host/a' (read-only), example.com/b "
                  "says '/host/b' (read-only)" +
                      wins,
                  "device '/dev/shared': example.com/a says '/dev/a' (rw), example.com/b says "
                  "'/dev/b' (rw)" +
                      wins,
                  "annotation 'note': example.com/a says 'a', example.com/b says 'b'" + wins));
}

TEST(MergeTest, OneResourceThatSaysTwoThingsContradictsItself) {
  v1beta1::ContainerAllocateResponse answer = Answer("a");
  *answer.add_mounts() = Answer("b").mounts(0);
  answer.mutable_mounts(1)->set_read_only(false);
  EXPECT_THAT(Merge({{"example.com/a", answer}}).conflicts,
              ElementsAre("mount '/opt/shared': example.com/a says '/host/a' (read-only) and also "
                          "'/host/b' (read-write); the first is used, by a kubelet too"));
}

TEST(MergeTest, TheSameValueTwiceIsNoConflict) {
  EXPECT_THAT(Merge({{"example.com/a", Answer("x")}, {"example.com/b", Answer("x")}}).conflicts,
              IsEmpty());
}

TEST(MergeTest, IsPrintedInTheNamesOfTheContainerRuntime) {
  EXPECT_EQ(ToJson(Merge({{"example.com/a", Answer("a")}})).dump(),
            R"({"envs":{"OWN_a":"1","SHARED":"a"},)"
            R"("mounts":[{"containerPath":"/opt/shared","hostPath":"/host/a","readOnly":true}],)"
            R"("devices":[{"containerPath":"/dev/shared","hostPath":"/dev/a","permissions":"rw"}],)"
            R"("annotations":{"note":"a"},)"
            R"("cdiDevices":["vendor.example/class=a","vendor.example/class=both"],)"
            R"("conflicts":[]})");
}

}  // namespace
}  // namespace nodedevice::devicemanager
