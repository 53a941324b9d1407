// How much of GPUs is in use, as their driver says it: a library that is played.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "plugin/discovery/cos_gpu.h"
#include "plugin/discovery/nvidia.h"
#include "tests/support/fake_driver.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FakeDriver;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kResource[] = "nvidia.com/gpu";

DeviceFigures FiguresOf(const std::string& id, std::optional<std::uint64_t> duty_cycle,
                        std::optional<std::uint64_t> total, std::optional<std::uint64_t> used) {
  return {.id = id,
          .duty_cycle_percent = duty_cycle,
          .memory_total_bytes = total,
          .memory_used_bytes = used};
}

class GpuFiguresTest : public ::testing::Test {
 protected:
  using Figures = std::vector<DeviceFigures>;

  void Start(const Nvidia& nvidia = {}, milliseconds patience = seconds(60)) {
    source_ = std::make_unique<NvidiaSource>(
        kResource, nvidia, /*topology=*/false, HostRoot(node_.path()),
        NvidiaSource::Timing{.driver = {.patience = patience, .event_wait = milliseconds(20)},
                             .silence = seconds(60)});
  }
  Inventory Scan() const {
    auto inventory = source_->Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory());
  }
  DeviceSet Devices() const { return Scan().resources.at(kResource); }
  std::future<Figures> StartMeasuring() const {
    const auto answer = std::make_shared<std::promise<Figures>>();
    source_->Measure([answer](Figures figures) { answer->set_value(std::move(figures)); });
    return answer->get_future();
  }
  static Figures Get(std::future<Figures> answer) {
    const bool came = answer.wait_for(seconds(60)) == std::future_status::ready;
    EXPECT_TRUE(came);
    return came ? answer.get() : Figures();
  }
  Figures Measure() const { return Get(StartMeasuring()); }
  void PlayGpus(std::vector<json> gpus, json more = json::object()) const {
    more["gpus"] = std::move(gpus);
    driver_.Play(more);
  }

  const testing::TempDir node_;
  const FakeDriver driver_{node_};
  std::unique_ptr<DiscoverySource> source_;
};

TEST_F(GpuFiguresTest, TheyAreAskedForAsOftenAsTheEntrySaysAndElseNever) {
  Start();
  EXPECT_EQ(source_->FiguresInterval(), std::nullopt);
  Nvidia nvidia;
  nvidia.metrics_interval = seconds(7);
  Start(nvidia);
  EXPECT_EQ(source_->FiguresInterval(), Duration(seconds(7)));
}

TEST_F(GpuFiguresTest, TheyAreTheMeanOfTheSamplesAndTheMemoryOfEachGpu) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0, {{"used", 1000}, {"samples", {10, 20, 31}}, {"utilization", 99}}),
            FakeDriver::Gpu(1, {{"used", 0}, {"utilization", 40}})});
  Start();
  EXPECT_THAT(Measure(), IsEmpty()) << "the library is not loaded before the first scan";
  Scan();
  EXPECT_THAT(Measure(), ElementsAre(FiguresOf("GPU-0", 20, 42949672960, 1000),
                                     FiguresOf("GPU-1", 40, 42949672960, 0)));
}

TEST_F(GpuFiguresTest, OfMigDevicesTheMemoryIsKnown) {
  driver_.Install();
  json mig = FakeDriver::Mig(0, 1, "3g.20gb");
  mig["memory"] = 5000;
  mig["used"] = 70;
  PlayGpus({FakeDriver::Gpu(0, {{"mig", {mig, FakeDriver::Mig(0, 2, "3g.20gb")}}})});
  Nvidia nvidia;
  nvidia.mig_strategy = Nvidia::MigStrategy::kSingle;
  Start(nvidia);
  Scan();
  EXPECT_THAT(Measure(), ElementsAre(FiguresOf("GPU-0", std::nullopt, 42949672960, 0),
                                     FiguresOf("MIG-0-1", std::nullopt, 5000, 70)))
      << "one of which the driver says nothing has no figures";
}

TEST_F(GpuFiguresTest, WhatAnOldLibraryLacksIsNoFigureAndNoNote) {
  driver_.Install(FakeDriver::Age::kOld);
  PlayGpus({FakeDriver::Gpu(0, {{"utilization", 40}, {"samples", json::array({10})}})});
  Start();
  const Inventory inventory = Scan();
  EXPECT_TRUE(inventory.resources.at(kResource).at("GPU-0").healthy());
  EXPECT_THAT(inventory.notes, Not(Contains(HasSubstr("nvmlDeviceGetSamples"))));
  EXPECT_THAT(Measure(), ElementsAre(FiguresOf("GPU-0", 40, std::nullopt, std::nullopt)));
}

TEST_F(GpuFiguresTest, AFigureThatTheDriverRefusesIsMissingAndHarmsNothingElse) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0, {{"utilization", 40}}), FakeDriver::Gpu(1, {{"utilization", 50}}),
            FakeDriver::Gpu(2)},
           {{"errors",
             {{"nvmlDeviceGetMemoryInfo GPU-0", 15},
              {"nvmlDeviceGetUtilizationRates GPU-1", 999},
              {"nvmlDeviceGetMemoryInfo GPU-2", 15}}}});
  Start();
  Scan();
  EXPECT_THAT(Measure(), ElementsAre(FiguresOf("GPU-0", 40, std::nullopt, std::nullopt),
                                     FiguresOf("GPU-1", std::nullopt, 42949672960, 0)));
  for (const auto& [id, device] : Devices()) EXPECT_TRUE(device.healthy()) << device.problem;
  PlayGpus({FakeDriver::Gpu(0)}, {{"errors", {{"nvmlDeviceGetCount_v2", 999}}}});
  EXPECT_THAT(Measure(), IsEmpty());
}

TEST_F(GpuFiguresTest, ADriverThatBlocksWhenItIsMeasuredKeepsItsDevicesAndAnswersLater) {
  driver_.Install();
  const json gpu = FakeDriver::Gpu(0, {{"utilization", 40}});
  PlayGpus({gpu});
  Start({}, milliseconds(50));
  ASSERT_TRUE(testing::WaitFor([this] { return Devices().size() == 1; }));
  PlayGpus({gpu}, {{"blocked", json::array({"nvmlDeviceGetUtilizationRates"})}});
  std::future<Figures> answer = StartMeasuring();
  // A scan waits for it no longer than its patience.
  Inventory inventory;
  ASSERT_TRUE(testing::WaitFor([&] {
    inventory = Scan();
    return std::ranges::count(inventory.notes, "the NVIDIA driver does not answer") > 0;
  }));
  EXPECT_TRUE(inventory.resources.at(kResource).at("GPU-0").healthy());
  EXPECT_NE(answer.wait_for(seconds(0)), std::future_status::ready);
  PlayGpus({gpu});
  EXPECT_THAT(Get(std::move(answer)), ElementsAre(FiguresOf("GPU-0", 40, 42949672960, 0)));
}

TEST_F(GpuFiguresTest, WithLayoutCosTheyHaveTheNamesOfItsGpusAndPartitions) {
  for (const char* path : {"dev/nvidiactl", "dev/nvidia-uvm", "dev/nvidia0", "dev/nvidia3"}) {
    node_.MakeNode(path);
  }
  const FakeDriver driver(node_, "home/kubernetes/bin/nvidia/lib64");
  driver.Install();
  json mig = FakeDriver::Mig(3, 5, "3g.20gb");
  mig["memory"] = 5000;
  json second = mig;  // computes in the same instance
  second["uuid"] = "MIG-second";
  second["ci"] = 1;
  json nameless = FakeDriver::Gpu(7);
  nameless.erase("minor");
  driver.Play({{"gpus",
                {FakeDriver::Gpu(0, {{"utilization", 40}, {"used", 9}}),
                 FakeDriver::Gpu(3, {{"mig", {mig, second}}}), nameless}}});
  Nvidia nvidia;
  nvidia.layout = Nvidia::Layout::kCos;
  source_ = std::make_unique<CosGpuSource>(
      kResource, nvidia, /*topology=*/false, HostRoot(node_.path()),
      GpuDriver::Timing{.patience = seconds(60), .event_wait = milliseconds(20)});
  EXPECT_EQ(source_->FiguresInterval(), std::nullopt);
  Scan();
  EXPECT_THAT(Measure(), ElementsAre(FiguresOf("nvidia0", 40, 42949672960, 9),
                                     FiguresOf("nvidia3", std::nullopt, 42949672960, 0),
                                     FiguresOf("nvidia3/gi5", std::nullopt, 5000, 0)));
}

}  // namespace
}  // namespace nodedevice
