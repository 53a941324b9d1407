// The driver of this machine, if it has one: what its library says must make sense to us.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "lib/base/host_root.h"
#include "plugin/nvidia/library_search.h"
#include "plugin/nvidia/nvml.h"

namespace nodedevice {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class RealDriverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const LibrarySearch search = FindNvml(HostRoot("/"), "/");
    if (search.found.empty()) {
      GTEST_SKIP() << "no libnvidia-ml.so.1 in any of " << search.looked_in;
    }
    if (!std::filesystem::exists("/dev/nvidiactl")) GTEST_SKIP() << "the driver is not loaded";
    auto loaded = Nvml::Load(search.found);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    nvml_ = *std::move(loaded);
  }

  std::unique_ptr<Nvml> nvml_;
};

TEST_F(RealDriverTest, EveryGpuIsDescribed) {
  const absl::StatusOr<Gpus> gpus = nvml_->Look();
  ASSERT_TRUE(gpus.ok()) << gpus.status();
  EXPECT_TRUE(gpus->complete);
  EXPECT_THAT(gpus->notes, IsEmpty());
  EXPECT_THAT(gpus->driver_version, Not(IsEmpty()));
  EXPECT_THAT(gpus->gpus, Not(IsEmpty()));
  for (const Gpu& gpu : gpus->gpus) {
    EXPECT_THAT(gpu.uuid, StartsWith("GPU-"));
    EXPECT_EQ(gpu.problem, "");
    EXPECT_TRUE(gpu.minor.has_value());
    EXPECT_TRUE(std::filesystem::exists(absl::StrCat("/sys/bus/pci/devices/", gpu.pci_bus_id)))
        << gpu.pci_bus_id;
    for (const MigDevice& mig : gpu.mig_devices) {
      EXPECT_THAT(mig.uuid, StartsWith("MIG-"));
      EXPECT_EQ(mig.problem, "");
      EXPECT_THAT(mig.profile, Not(IsEmpty()));
    }
  }
  const std::size_t count = gpus->gpus.size();
  EXPECT_EQ(gpus->pairs.size(), count * (count - 1) / 2);
}

TEST_F(RealDriverTest, ItsErrorsCanBeWaitedFor) {
  ASSERT_TRUE(nvml_->has_events()) << nvml_->events_problem();
  const auto event = nvml_->WaitForXid(std::chrono::milliseconds(1));
  EXPECT_TRUE(event.ok()) << event.status();
}

}  // namespace
}  // namespace nodedevice
