#include "agent/figures_in_use.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kGpu[] = "nvidia.com/gpu";

class FiguresInUseTest : public ::testing::Test {
 protected:
  FiguresInUseTest() { snapshot_.kubelet.fresh = true; }

  // A plugin whose devices of the resource have figures.
  void Report(const std::string& resource, const std::vector<std::string>& ids) {
    ResourceReport report;
    report.resource = resource;
    report.figures.number = 1;
    for (const std::string& id : ids) {
      report.figures.devices.push_back({.id = id, .memory_used_bytes = 1});
    }
    snapshot_.plugins.emplace_back().resources = {report};
  }
  void Hold(const std::string& pod, const std::string& resource, std::vector<std::string> ids) {
    DeviceHolder& holder = snapshot_.kubelet.holders.emplace_back();
    holder.pod = pod;
    holder.resource = resource;
    holder.devices = std::move(ids);
  }
  // "device: pod pod" of each.
  std::vector<std::string> Rows() const {
    std::vector<std::string> rows;
    for (const FiguresOfDevice& device : FiguresInUse(snapshot_)) {
      std::string& row = rows.emplace_back(device.figures.id + ":");
      for (const DeviceHolder* holder : device.holders) absl::StrAppend(&row, " ", holder->pod);
    }
    return rows;
  }

  Snapshot snapshot_;
};

TEST_F(FiguresInUseTest, ADeviceIsToldOfWithWhoeverHoldsItAndWithNobody) {
  Report(kGpu, {"GPU-1", "GPU-0", "GPU-2"});
  Hold("one", kGpu, {"GPU-0", "GPU-2"});
  EXPECT_THAT(Rows(), ElementsAre("GPU-0: one", "GPU-1:", "GPU-2: one"));
}

TEST_F(FiguresInUseTest, EachHolderOfASharedDeviceIsThereOnce) {
  Report(kGpu, {"GPU-0"});
  Hold("one", kGpu, {"GPU-0::0", "GPU-0::3"});
  Hold("two", kGpu, {"GPU-0::1"});
  EXPECT_THAT(Rows(), ElementsAre("GPU-0: one two"));
}

TEST_F(FiguresInUseTest, TheSameIdOfAnotherResourceIsAnotherDevice) {
  Report(kGpu, {"GPU-0"});
  Hold("one", "nvidia.com/gpu.shared", {"GPU-0::0"});
  EXPECT_THAT(Rows(), ElementsAre("GPU-0:"));
}

TEST_F(FiguresInUseTest, AResourceThatTwoPluginsKnowHasEachDeviceOnce) {
  Report(kGpu, {"GPU-0"});
  Report(kGpu, {"GPU-0", "GPU-1"});
  EXPECT_THAT(Rows(), ElementsAre("GPU-0:", "GPU-1:"));
}

TEST_F(FiguresInUseTest, HeldDevicesWithoutFiguresAreNotToldOf) {
  Hold("one", kGpu, {"GPU-0"});
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(FiguresInUseTest, PairsOfDevicesAndContainersAreBounded) {
  Report(kGpu, {"GPU-0", "GPU-1"});
  for (std::size_t i = 0; i < kMaxFiguresOfContainers; ++i) {
    Hold(absl::StrCat(i), kGpu, {"GPU-0::0", "GPU-1::0"});
  }
  std::size_t pairs = 0;
  for (const FiguresOfDevice& device : FiguresInUse(snapshot_)) pairs += device.holders.size();
  EXPECT_EQ(pairs, kMaxFiguresOfContainers);
}

}  // namespace
}  // namespace nodedevice::testing
