#include "plugin/device_preparation.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr char kResource[] = "example.com/nic";

// Refuses to make "broken" ready.
class FakePreparer : public DevicePreparer {
 public:
  explicit FakePreparer(std::atomic<int>& prepared) : prepared_(prepared) {}
  absl::Status Prepare(const std::string& id) override {
    if (id == "broken") return absl::InternalError("no driver");
    ++prepared_;
    return absl::OkStatus();
  }
  absl::Status Release(const std::string&) override { return absl::OkStatus(); }
  std::set<std::string> Prepared() override { return {}; }

 private:
  std::atomic<int>& prepared_;
};

class DevicePreparationTest : public ::testing::Test {
 protected:
  DevicePreparationTest() {
    preparation_.emplace(loop_, KubeletPaths(dir_.path()), kResource,
                         std::make_unique<FakePreparer>(prepared_), [this] { ++changes_; });
    preparation_->Start();
  }
  // What a call for these devices is told.
  absl::Status Prepare(std::set<std::string> ids) {
    std::optional<absl::Status> told;
    preparation_->Prepare(std::move(ids), [&told](const absl::Status& status) { told = status; });
    EXPECT_TRUE(RunUntil(loop_, [&told] { return told.has_value(); }));
    return told.value_or(absl::UnknownError("nothing"));
  }

  TempDir dir_;
  EventLoop loop_;
  std::atomic<int> prepared_ = 0;
  int changes_ = 0;
  std::optional<DevicePreparation> preparation_;
};

TEST_F(DevicePreparationTest, ACallIsAnsweredWhenItsDevicesAreReady) {
  EXPECT_EQ(Prepare({"a", "b"}), absl::OkStatus());
  EXPECT_EQ(prepared_, 2);
  EXPECT_EQ(changes_, 2) << "a scan may find something else now";
}

TEST_F(DevicePreparationTest, AFailureIsTheAnswer) {
  EXPECT_EQ(Prepare({"broken"}), absl::InternalError("broken: no driver"));
  EXPECT_EQ(changes_, 0);
}

TEST_F(DevicePreparationTest, WhatComesAfterItIsGoneIsDropped) {
  bool told = false;
  preparation_->Prepare({"a"}, [&told](const absl::Status&) { told = true; });
  preparation_.reset();
  bool over = false;
  loop_.Post([&over] { over = true; });
  EXPECT_TRUE(RunUntil(loop_, [&over] { return over; }));
  EXPECT_FALSE(told);
}

DeviceHolder Holder(const std::string& resource, std::vector<std::string> devices) {
  return {.namespace_name = "ns",
          .pod = "p",
          .container = "c",
          .resource = resource,
          .count = devices.size(),
          .devices = std::move(devices)};
}

TEST(HeldDevicesTest, AreThoseOfTheResourceWithoutReplicas) {
  KubeletReport report;
  report.holders = {Holder(kResource, {"a::0", "a::1", "b"}), Holder("example.com/other", {"c"})};
  EXPECT_THAT(HeldDevices(report, kResource), Optional(ElementsAre("a", "b")));
  EXPECT_THAT(HeldDevices({}, kResource), Optional(IsEmpty()));
}

TEST(HeldDevicesTest, AreNotKnownWhenTheReportIsNotComplete) {
  KubeletReport report;
  report.error = "no answer";
  EXPECT_EQ(HeldDevices(report, kResource), std::nullopt);
  report.error = "";
  report.holders = {Holder(kResource, {"a"})};
  report.holders[0].count = 2;
  EXPECT_EQ(HeldDevices(report, kResource), std::nullopt);
  report.holders.assign(kMaxReportedHolders, Holder("example.com/other", {"c"}));
  EXPECT_EQ(HeldDevices(report, kResource), std::nullopt);
}

}  // namespace
}  // namespace nodedevice::testing
