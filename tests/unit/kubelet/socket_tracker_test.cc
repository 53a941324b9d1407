#include "lib/kubelet/socket_tracker.h"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace nodedevice {
namespace {

constexpr SocketIdentity kFirst{.device = 1, .inode = 10, .changed_ns = 100};
constexpr SocketIdentity kSecond{.device = 1, .inode = 11, .changed_ns = 200};
// A socket that was created again with the inode number of the one before.
constexpr SocketIdentity kSameInode{.device = 1, .inode = 10, .changed_ns = 300};

constexpr SocketObservation kNothing{};
constexpr SocketObservation Answers(SocketIdentity identity) { return {identity, true}; }
constexpr SocketObservation Refuses(SocketIdentity identity) { return {identity, false}; }

using Seen = std::optional<Transition>;

struct Look {
  SocketObservation observation;
  Seen transition;
};

struct Case {
  std::string name;
  std::vector<Look> looks;
};

void PrintTo(const Case& value, std::ostream* out) { *out << value.name; }

class SocketTrackerTest : public ::testing::TestWithParam<Case> {};

TEST_P(SocketTrackerTest, TellsWhatHappenedBetweenTwoLooks) {
  SocketTracker tracker;
  std::size_t number = 0;
  for (const auto& [observation, transition] : GetParam().looks) {
    EXPECT_EQ(tracker.Observe(observation), transition) << "look " << number++;
    EXPECT_EQ(tracker.up(), observation.answers);
    EXPECT_EQ(tracker.current(), observation.answers ? observation.identity : std::nullopt);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, SocketTrackerTest,
    ::testing::Values(
        Case{"NothingStaysNothing", {{kNothing, {}}, {kNothing, {}}}},
        Case{"UpOnce", {{kNothing, {}}, {Answers(kFirst), Transition::kUp}, {Answers(kFirst), {}}}},
        Case{"AStaleSocketIsNotUp", {{Refuses(kFirst), {}}, {Refuses(kFirst), {}}}},
        Case{"AStaleSocketIsTakenOver",
             {{Refuses(kFirst), {}}, {Answers(kSecond), Transition::kUp}}},
        Case{"TheSameSocketBeginsToAnswer",
             {{Refuses(kFirst), {}}, {Answers(kFirst), Transition::kUp}}},
        Case{"DownWhenItIsRemoved",
             {{Answers(kFirst), Transition::kUp}, {kNothing, Transition::kDown}, {kNothing, {}}}},
        Case{"DownWhenItIsLeftBehind",
             {{Answers(kFirst), Transition::kUp},
              {Refuses(kFirst), Transition::kDown},
              {Refuses(kFirst), {}}}},
        Case{"DownAndUpAgain",
             {{Answers(kFirst), Transition::kUp},
              {kNothing, Transition::kDown},
              {Answers(kSecond), Transition::kUp}}},
        Case{"ARestartThatWasMissedIsReplaced",
             {{Answers(kFirst), Transition::kUp}, {Answers(kSecond), Transition::kReplaced}}},
        Case{"ARestartWithTheSameInodeIsReplaced",
             {{Answers(kFirst), Transition::kUp}, {Answers(kSameInode), Transition::kReplaced}}},
        Case{"AReplacementThatRefusesIsDown",
             {{Answers(kFirst), Transition::kUp}, {Refuses(kSecond), Transition::kDown}}}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace nodedevice
