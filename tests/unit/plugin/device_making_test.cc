#include "plugin/device_making.h"

#include <atomic>
#include <future>
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

// Does what a test says, and keeps what it was ordered.
class ScriptedMaker : public DeviceMaker {
 public:
  using Script = std::function<Result(const Order&, const Begins&, const std::stop_token&)>;
  explicit ScriptedMaker(Script script) : script_(std::move(script)) {}
  Result Work(const Order& order, const Begins& begins, const std::stop_token& stop) override {
    return script_(order, begins, stop);
  }

 private:
  const Script script_;
};

class DeviceMakingTest : public ::testing::Test {
 protected:
  void Start(ScriptedMaker::Script script, Duration interval = std::chrono::hours(1),
             Duration patience = DeviceMaking::kPatience) {
    making_.emplace(
        loop_, KubeletPaths(dir_.path()), "vgpu", interval,
        std::make_unique<ScriptedMaker>(std::move(script)), [this] { ++changes_; }, patience);
    making_->Start();
  }

  TempDir dir_;
  EventLoop loop_;
  int changes_ = 0;
  std::optional<DeviceMaking> making_;
};

TEST_F(DeviceMakingTest, WhatWasMadeLeadsToAScanAndNotesAreKept) {
  Start([](const auto&, const auto&, const auto&) {
    return DeviceMaker::Result{
        .done = {"2 were made"}, .unwanted = {}, .notes = {"2 of 4: no room"}};
  });
  EXPECT_TRUE(RunUntil(loop_, [this] { return changes_ == 1; }));
  EXPECT_THAT(making_->notes(), ElementsAre("2 of 4: no room"));
}

TEST_F(DeviceMakingTest, ItWorksAgainAfterTheInterval) {
  std::atomic<int> calls = 0;
  Start(
      [&calls](const auto&, const auto&, const auto&) {
        ++calls;
        return DeviceMaker::Result{};
      },
      std::chrono::milliseconds(1));
  EXPECT_TRUE(RunUntil(loop_, [&calls] { return calls >= 3; }));
  EXPECT_EQ(changes_, 0) << "nothing was made, and there is nothing to say";
}

// A driver that never comes back keeps nobody from hearing of it.
TEST_F(DeviceMakingTest, AStepThatTakesTooLongIsANoteUntilItEnds) {
  std::promise<void> end;
  Start(
      [ended = end.get_future().share()](const auto&, const auto& begins, const auto&) {
        begins("making X");
        ended.wait();
        return DeviceMaker::Result{};
      },
      std::chrono::hours(1), std::chrono::milliseconds(1));
  EXPECT_TRUE(RunUntil(loop_, [this] { return !making_->notes().empty(); }));
  EXPECT_THAT(making_->notes(),
              ElementsAre(::testing::StartsWith("making X has not come to an end")));
  end.set_value();
  EXPECT_TRUE(RunUntil(loop_, [this] { return making_->notes().empty(); }));
  EXPECT_EQ(changes_, 2);
}

// There is no kubelet here that could be asked: what is not asked for stays, and nothing waits.
TEST_F(DeviceMakingTest, WhatIsUnwantedIsKeptWhileTheKubeletCannotBeAsked) {
  std::mutex mutex;
  std::vector<DeviceMaker::Order> orders;
  const auto last = [&] {
    const std::lock_guard lock(mutex);
    return orders.empty() ? DeviceMaker::Order{} : orders.back();
  };
  Start([&](const auto& order, const auto&, const auto&) {
    const std::lock_guard lock(mutex);
    orders.push_back(order);
    return DeviceMaker::Result{.done = {}, .unwanted = {"a"}, .notes = {}};
  });
  EXPECT_TRUE(RunUntil(loop_, [&] { return last().keep.contains("a"); }));
  making_.reset();
  for (const auto& order : orders) EXPECT_THAT(order.remove, IsEmpty());
}

TEST_F(DeviceMakingTest, ItsEndStopsWhatIsUnderWay) {
  std::promise<void> begun;
  bool stopped = false;
  Start([&](const auto&, const auto&, const std::stop_token& stop) {
    std::promise<void> told;
    const std::stop_callback tell(stop, [&told] { told.set_value(); });
    begun.set_value();
    told.get_future().wait();
    stopped = true;
    return DeviceMaker::Result{.done = {"too late"}, .unwanted = {}, .notes = {}};
  });
  begun.get_future().wait();
  making_.reset();
  EXPECT_TRUE(stopped);
  bool over = false;
  loop_.Post([&over] { over = true; });
  EXPECT_TRUE(RunUntil(loop_, [&over] { return over; }));
  EXPECT_EQ(changes_, 0);
}

TEST(AllHeldDevicesTest, AreThoseOfAllResourcesOrNotKnown) {
  KubeletReport report;
  const auto holder = [](const char* resource, std::vector<std::string> devices) {
    return DeviceHolder{.namespace_name = "ns",
                        .pod = "p",
                        .container = "c",
                        .resource = resource,
                        .count = devices.size(),
                        .devices = std::move(devices)};
  };
  report.holders = {holder("example.com/a", {"a::0"}), holder("example.com/b", {"b"})};
  EXPECT_THAT(AllHeldDevices(report), Optional(ElementsAre("a", "b")));
  report.holders[1].count = 2;
  EXPECT_EQ(AllHeldDevices(report), std::nullopt);
  report = {.error = "no answer"};
  EXPECT_EQ(AllHeldDevices(report), std::nullopt);
}

}  // namespace
}  // namespace nodedevice::testing
