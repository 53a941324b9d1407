#include "devicemanager/node_state.h"

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
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
  after.LoadCheckpoint(Clock::now());
  after.Read([](const State& s) {
    EXPECT_TRUE(s.model.IsRegistered("example.com/a"));
    EXPECT_TRUE(s.model.Healthy("example.com/a").empty());
    EXPECT_EQ(s.pod_devices.InUse("example.com/a"), std::set<std::string>{"x"});
  });
}

TEST_F(NodeStateTest, AMissingOrCorruptCheckpointIsAnEmptyOne) {
  NodeState state(checkpoint_);
  state.LoadCheckpoint(Clock::now());
  EXPECT_TRUE(state.Read([](const State& s) { return s.model.Resources().empty(); }));
  dir_.Write("checkpoint", "garbage");
  state.LoadCheckpoint(Clock::now());
  EXPECT_TRUE(state.Read([](const State& s) { return s.model.Resources().empty(); }));
}

TEST_F(NodeStateTest, ACheckpointThatCannotBeWrittenNamesTheFile) {
  NodeState state(dir_.path() / "missing" / "checkpoint");
  const absl::Status status = state.SaveCheckpoint();
  EXPECT_THAT(std::string(status.message()),
              ::testing::AllOf(::testing::HasSubstr("failed to write checkpoint file"),
                               ::testing::HasSubstr("missing/checkpoint")));
}

}  // namespace
}  // namespace nodedevice::devicemanager
