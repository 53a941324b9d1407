#include "lib/base/owed_answers.h"

#include <optional>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;

const absl::Status kStopped = absl::UnavailableError("stopped");

TEST(OwedAnswersTest, AnAnswerIsGivenOnce) {
  std::vector<absl::Status> given;
  OwedAnswers owed;
  const auto give = owed.Owe([&](const absl::Status& status) { given.push_back(status); });
  give(absl::OkStatus());
  give(absl::InternalError("late"));
  owed.Settle(kStopped);
  EXPECT_THAT(given, ElementsAre(absl::OkStatus()));
}

TEST(OwedAnswersTest, SettlingGivesTheRestAndWhatIsOwedAfterwards) {
  std::vector<absl::Status> given;
  const auto keep = [&](const absl::Status& status) { given.push_back(status); };
  OwedAnswers owed;
  const auto give = owed.Owe(keep);
  owed.Settle(kStopped);
  give(absl::OkStatus());
  owed.Owe(keep)(absl::OkStatus());
  EXPECT_THAT(given, ElementsAre(kStopped, kStopped));
}

TEST(OwedAnswersTest, AnAnswerThatComesAfterItsServerIsDropped) {
  std::vector<absl::Status> given;
  std::optional<OwedAnswers> owed(std::in_place);
  const auto give = owed->Owe([&](const absl::Status& status) { given.push_back(status); });
  owed->Settle(kStopped);
  owed.reset();
  give(absl::OkStatus());
  EXPECT_THAT(given, ElementsAre(kStopped));
}

TEST(OwedAnswersTest, ManyThreadsGiveWhileItSettles) {
  constexpr int kAnswers = 1000;
  std::vector<int> given(kAnswers);
  OwedAnswers owed;
  std::vector<OwedAnswers::Give> gives;
  for (int i = 0; i < kAnswers; ++i) {
    gives.push_back(owed.Owe([&given, i](const absl::Status&) { ++given[i]; }));
  }
  const auto give_all = [&gives] {
    for (const auto& give : gives) give(absl::OkStatus());
  };
  std::thread one(give_all);
  std::thread other(give_all);
  owed.Settle(kStopped);
  const std::vector<int> at_the_end = given;  // none is being given any more
  one.join();
  other.join();
  EXPECT_THAT(at_the_end, ::testing::Each(1));
  EXPECT_EQ(given, at_the_end);
}

}  // namespace
}  // namespace nodedevice
