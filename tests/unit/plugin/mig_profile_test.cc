#include "plugin/nvidia/mig_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/nvidia/mig_minors.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(MigProfileTest, IsTheEndOfTheNameThatTheDriverGives) {
  EXPECT_EQ(MigProfileOfName("NVIDIA A100-SXM4-40GB MIG 1g.5gb"), "1g.5gb");
  EXPECT_EQ(MigProfileOfName("NVIDIA H200 MIG 1c.3g.71gb"), "1c.3g.71gb");
  EXPECT_EQ(MigProfileOfName("NVIDIA RTX PRO 6000 MIG 1g.24gb+me.all"), "1g.24gb+me.all");
  EXPECT_EQ(MigProfileOfName("x MIG 1g.24gb-me"), "1g.24gb-me");
  for (const char* name : {"", "NVIDIA A100", "MIG ", "x MIG 1g", "x MIG 1g.5gb+", "x MIG 1g.5gb/x",
                           "x MIG 123456g.5gb", "x MIG g.gb", "x MIG 1g.5gb Device 0"}) {
    EXPECT_EQ(MigProfileOfName(name), std::nullopt) << name;
  }
}

// Sizes that the driver tells of an A100 with 40 GB and with 80 GB.
TEST(MigProfileTest, IsMadeOfWhatTheDeviceHas) {
  constexpr std::uint64_t kA100 = 42'505'273'344;
  EXPECT_EQ(MigProfileOf(1, 1, 4864, kA100), "1g.5gb");
  EXPECT_EQ(MigProfileOf(2, 2, 9856, kA100), "2g.10gb");
  EXPECT_EQ(MigProfileOf(3, 3, 19968, kA100), "3g.20gb");
  EXPECT_EQ(MigProfileOf(1, 3, 19968, kA100), "1c.3g.20gb");
  EXPECT_EQ(MigProfileOf(7, 7, 40192, kA100), "7g.40gb");
  EXPECT_EQ(MigProfileOf(1, 1, 9728, 85'899'345'920), "1g.10gb");
  EXPECT_EQ(MigProfileOf(1, 1, 9728, 0), "1g.0gb");
}

TEST(MigProfileTest, IsWholeWithoutAPartOfTheSlices) {
  EXPECT_TRUE(IsWholeMigProfile("3g.20gb"));
  EXPECT_FALSE(IsWholeMigProfile("1c.3g.20gb"));
}

TEST(MigMinorsTest, ANameAndANumberALine) {
  const MigMinors minors = ParseMigMinors(
      "config 1\nmonitor 2\ngpu0/gi1/access 12\ngpu0/gi1/ci0/access 13\n"
      "gpu3/gi9/access x\ngpu4 1 2\n\n \ngpu5/gi1/access -4\n\xff\xfe");
  EXPECT_EQ(minors.size(), 4u);
  MigDevice device;
  device.gpu_instance = 1;
  EXPECT_THAT(MigCapNodes(minors, 0, device),
              ElementsAre("/dev/nvidia-caps/nvidia-cap12", "/dev/nvidia-caps/nvidia-cap13"));
}

TEST(MigMinorsTest, ADeviceNeedsBothOfItsNodes) {
  MigDevice device;
  device.gpu_instance = 1;
  EXPECT_THAT(MigCapNodes({}, 0, device), IsEmpty());
  EXPECT_THAT(MigCapNodes({{"gpu0/gi1/access", 12}}, 0, device), IsEmpty());
  EXPECT_THAT(MigCapNodes({{"gpu0/gi1/ci0/access", 12}}, 0, device), IsEmpty());
}

}  // namespace
}  // namespace nodedevice
