#include "devicemanager/node_state.h"

#include <functional>
#include <thread>
#include <vector>

#include "devicemanager/checkpoint.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/file.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::devicemanager {
namespace {

constexpr TimePoint kNever = TimePoint::max();

bool HasStarted(const State& state) { return state.starts > 0; }

class NodeStateTest : public ::testing::Test {
 protected:
  testing::TempDir dir_;
  const std::filesystem::path checkpoint_ = dir_.path() / "checkpoint";
};

TEST_F(NodeStateTest, AWaitEndsWithTheChangeThatItWaitsFor) {
  NodeState state(checkpoint_);
  std::thread changer([&] { state.Change([](State& s) { ++s.starts; }); });
  EXPECT_TRUE(state.WaitUntil(HasStarted, kNever));
  changer.join();
}

TEST_F(NodeStateTest, AWaitEndsAtItsDeadlineAndWhenAllWaitsEnd) {
  NodeState state(checkpoint_);
  EXPECT_FALSE(state.WaitUntil(HasStarted, Clock::now()));
  std::thread stopper([&] { state.EndWaits(); });
  EXPECT_FALSE(state.WaitUntil(HasStarted, kNever));
  stopper.join();
  EXPECT_FALSE(state.WaitUntil(HasStarted, kNever));
}

TEST_F(NodeStateTest, TheCheckpointBringsBackResourcesWithoutDevicesAndPodsWithTheirs) {
  NodeState before(checkpoint_);
  before.Change([](State& s) {
    s.model.Connected("example.com/a", 1, {});
    s.model.ListReceived("example.com/a", {{.id = "x", .healthy = true, .numa_nodes = {}}});
    s.pod_devices.Insert("uid", "main", "example.com/a",
                         {.by_node = {{kNoNumaNode, {"x"}}}, .response = ""});
  });
  ASSERT_TRUE(before.SaveCheckpoint().ok());

  NodeState after(checkpoint_);
  after.LoadCheckpoint();
  after.Read([](const State& s) {
    EXPECT_TRUE(s.model.IsRegistered("example.com/a"));
    EXPECT_TRUE(s.model.Healthy("example.com/a").empty());
    EXPECT_EQ(s.pod_devices.InUse("example.com/a"), std::set<std::string>{"x"});
  });
}

TEST_F(NodeStateTest, AMissingOrCorruptCheckpointIsAnEmptyOne) {
  NodeState state(checkpoint_);
  state.LoadCheckpoint();
  EXPECT_TRUE(state.Read([](const State& s) { return s.model.Resources().empty(); }));
  dir_.Write("checkpoint", "garbage");
  state.LoadCheckpoint();
  EXPECT_TRUE(state.Read([](const State& s) { return s.model.Resources().empty(); }));
}

TEST_F(NodeStateTest, ACheckpointThatCannotBeWrittenNamesTheFile) {
  NodeState state(dir_.path() / "missing" / "checkpoint");
  const absl::Status status = state.SaveCheckpoint();
  EXPECT_THAT(std::string(status.message()),
              ::testing::AllOf(::testing::HasSubstr("failed to write checkpoint file"),
                               ::testing::HasSubstr("missing/checkpoint")));
}

TEST_F(NodeStateTest, ADelayedCallGoesOnWhenTheSwitchIsReleasedOrNothingIsServed) {
  NodeState state(checkpoint_);
  state.SitOut(Rpc::kRegister);  // there is no delay
  const auto hang = [](State& s) {
    s.serving = true;
    s.faults.delays[Rpc::kRegister] = kHang;
  };
  for (const auto& release : std::vector<std::function<void(State&)>>{
           [](State& s) { s.faults = {}; }, [](State& s) { s.serving = false; }}) {
    state.Change(hang);
    std::thread caller([&] { state.SitOut(Rpc::kRegister); });
    state.Change(release);
    caller.join();
  }
  state.Change(hang);
  state.EndWaits();
  state.SitOut(Rpc::kRegister);
}

TEST_F(NodeStateTest, ItsClockCanBeSetForward) {
  NodeState state(checkpoint_);
  const TimePoint before = state.Now();
  state.Change([](State& s) { s.clock_ahead = std::chrono::hours(1); });
  EXPECT_GE(state.Now() - before, std::chrono::hours(1));
}

TEST_F(NodeStateTest, TheCheckpointCanBeLostAndCorrupted) {
  NodeState state(checkpoint_);
  EXPECT_THAT(std::string(state.LoseCheckpoint().message()), ::testing::HasSubstr("checkpoint"));
  EXPECT_TRUE(absl::IsNotFound(state.CorruptCheckpoint()));
  dir_.Write("checkpoint", "");
  EXPECT_FALSE(state.CorruptCheckpoint().ok());

  ASSERT_TRUE(state.SaveCheckpoint().ok());
  const std::string good = *ReadFile(checkpoint_, kCheckpointMaxBytes);
  ASSERT_TRUE(DecodeCheckpoint(good).ok());
  ASSERT_TRUE(state.CorruptCheckpoint().ok());
  EXPECT_FALSE(DecodeCheckpoint(*ReadFile(checkpoint_, kCheckpointMaxBytes)).ok());
  ASSERT_TRUE(state.LoseCheckpoint().ok());
  EXPECT_FALSE(std::filesystem::exists(checkpoint_));
}

}  // namespace
}  // namespace nodedevice::devicemanager
