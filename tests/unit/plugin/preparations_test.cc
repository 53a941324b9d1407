// When devices are made ready and given back: events and times in, actions out.
#include "plugin/preparations.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::VariantWith;

using Prepare = Preparations::Prepare;
using Release = Preparations::Release;
using Answer = Preparations::Answer;
using Prepared = Preparations::Prepared;
using Released = Preparations::Released;

constexpr auto kIdle = Preparations::kIdle;

class PreparationsTest : public ::testing::Test {
 protected:
  std::vector<Preparations::Action> Handle(const Preparations::Event& event) {
    return preparations_.Handle(event, now_);
  }
  std::vector<Preparations::Action> Hold(const std::set<std::string>& ids) {
    return Handle(Preparations::Held{ids});
  }
  // Lets time pass, as the loop does: up to each deadline.
  std::vector<Preparations::Action> Pass(Duration duration) {
    std::vector<Preparations::Action> all;
    const TimePoint end = now_ + duration;
    for (auto next = preparations_.NextDeadline(); next && *next <= end;
         next = preparations_.NextDeadline()) {
      now_ = std::max(now_, *next);
      const auto actions = Handle(Preparations::DeadlinePassed{});
      all.insert(all.end(), actions.begin(), actions.end());
    }
    now_ = end;
    return all;
  }
  // A container started with "a", by call 1.
  void Start() {
    Handle(Preparations::Asked{.call = 1, .ids = {"a"}});
    Handle(Prepared{.id = "a", .status = absl::OkStatus()});
  }

  Preparations preparations_;
  TimePoint now_{seconds(1000)};
};

TEST_F(PreparationsTest, ACallIsAnsweredWhenAllItsDevicesAreReady) {
  EXPECT_THAT(Handle(Preparations::Asked{.call = 7, .ids = {"a", "b"}}),
              ElementsAre(VariantWith<Prepare>(Prepare{"a"}), VariantWith<Prepare>(Prepare{"b"})));
  EXPECT_THAT(Handle(Prepared{"a", absl::OkStatus()}), IsEmpty());
  EXPECT_THAT(Handle(Prepared{"b", absl::OkStatus()}),
              ElementsAre(VariantWith<Answer>(Answer{7, absl::OkStatus()})));
  EXPECT_EQ(preparations_.NextDeadline(), std::nullopt);
}

TEST_F(PreparationsTest, ACallForNothingIsAnsweredAtOnce) {
  EXPECT_THAT(Handle(Preparations::Asked{.call = 7, .ids = {}}),
              ElementsAre(VariantWith<Answer>(Answer{7, absl::OkStatus()})));
}

TEST_F(PreparationsTest, TheFirstFailureIsTheAnswerAndNamesItsDevice) {
  Handle(Preparations::Asked{.call = 7, .ids = {"a", "b"}});
  EXPECT_THAT(Handle(Prepared{"a", absl::InternalError("no driver")}),
              ElementsAre(VariantWith<Answer>(Answer{7, absl::InternalError("a: no driver")})));
  EXPECT_THAT(Handle(Prepared{"b", absl::OkStatus()}), IsEmpty());
}

TEST_F(PreparationsTest, ADeviceIsMadeReadyAtEachStart) {
  Start();
  EXPECT_THAT(Handle(Preparations::Asked{.call = 2, .ids = {"a"}}),
              ElementsAre(VariantWith<Prepare>(Prepare{"a"})));
}

TEST_F(PreparationsTest, ACallThatTakesTooLongIsAnsweredAndTheRestGoesOn) {
  Handle(Preparations::Asked{.call = 7, .ids = {"a", "b"}});
  Handle(Prepared{"b", absl::OkStatus()});
  EXPECT_THAT(Pass(Preparations::kLimit - seconds(1)), IsEmpty());
  EXPECT_THAT(
      Pass(seconds(1)),
      ElementsAre(VariantWith<Answer>(Answer{
          7, absl::DeadlineExceededError("a could not be made ready within 25 s; it goes on, and "
                                         "the next start of the container asks again")})));
  EXPECT_THAT(Handle(Prepared{"a", absl::OkStatus()}), IsEmpty());
}

TEST_F(PreparationsTest, WhatNoContainerHasIsGivenBackAfterAWhile) {
  Hold({});
  Start();
  EXPECT_THAT(Hold({"a"}), IsEmpty());
  EXPECT_THAT(Pass(seconds(3600)), IsEmpty());
  EXPECT_THAT(Hold({}), IsEmpty());
  EXPECT_THAT(Pass(kIdle - seconds(1)), IsEmpty());
  EXPECT_THAT(Pass(seconds(1)), ElementsAre(VariantWith<Release>(Release{"a"})));
  EXPECT_EQ(preparations_.NextDeadline(), std::nullopt) << "it is under way";
  EXPECT_THAT(Handle(Released{"a", absl::OkStatus()}), IsEmpty());
  EXPECT_THAT(Pass(seconds(3600)), IsEmpty());
}

TEST_F(PreparationsTest, AContainerThatStartsIsNotInTheKubeletsListYet) {
  Hold({});
  Start();
  EXPECT_THAT(Pass(kIdle - seconds(1)), IsEmpty());
  EXPECT_THAT(Hold({"a"}), IsEmpty());
  EXPECT_THAT(Pass(seconds(3600)), IsEmpty());
}

TEST_F(PreparationsTest, AStartOfAnotherContainerBeginsTheWhileAnew) {
  Hold({});
  Start();
  Pass(kIdle - seconds(1));
  Handle(Preparations::Asked{.call = 2, .ids = {"a"}});
  EXPECT_THAT(Pass(kIdle - seconds(5)), ElementsAre(VariantWith<Answer>(::testing::_)));
  EXPECT_THAT(Handle(Prepared{"a", absl::OkStatus()}), IsEmpty());
  EXPECT_THAT(Pass(kIdle - seconds(1)), IsEmpty());
  EXPECT_THAT(Pass(seconds(1)), ElementsAre(VariantWith<Release>(Release{"a"})));
}

TEST_F(PreparationsTest, WithoutAKubeletThatAnswersNothingIsGivenBack) {
  Start();
  EXPECT_THAT(Pass(seconds(3600)), IsEmpty());
  Hold({});
  EXPECT_THAT(Pass(kIdle - seconds(1)), IsEmpty()) << "a container may just have ended";
  Handle(Preparations::Held{std::nullopt});
  EXPECT_THAT(Pass(seconds(3600)), IsEmpty());
  Hold({});
  EXPECT_THAT(Pass(kIdle), ElementsAre(VariantWith<Release>(Release{"a"})));
}

TEST_F(PreparationsTest, WhatAnEarlierProcessPreparedIsGivenBackUnlessAContainerHasIt) {
  Handle(Preparations::Found{{"a", "b"}});
  Hold({"b"});
  EXPECT_THAT(Pass(seconds(3600)), ElementsAre(VariantWith<Release>(Release{"a"})));
  Handle(Released{"a", absl::OkStatus()});
  Hold({});
  EXPECT_THAT(Pass(kIdle), ElementsAre(VariantWith<Release>(Release{"b"})));
}

TEST_F(PreparationsTest, WhatIsFoundAfterTheKubeletAnsweredIsHeldAllTheSame) {
  Hold({"a"});
  Handle(Preparations::Found{{"a"}});
  EXPECT_THAT(Pass(seconds(3600)), IsEmpty());
}

TEST_F(PreparationsTest, WhatCannotBeGivenBackIsTriedAgain) {
  Hold({});
  Start();
  ASSERT_THAT(Pass(kIdle), ElementsAre(VariantWith<Release>(Release{"a"})));
  EXPECT_THAT(Handle(Released{"a", absl::InternalError("busy")}), IsEmpty());
  EXPECT_THAT(Pass(Preparations::kRetry - seconds(1)), IsEmpty());
  EXPECT_THAT(Pass(seconds(1)), ElementsAre(VariantWith<Release>(Release{"a"})));
}

TEST_F(PreparationsTest, AStartInTheMiddleOfGivingBackMakesItReadyAfterwards) {
  Hold({});
  Start();
  ASSERT_THAT(Pass(kIdle), ElementsAre(VariantWith<Release>(Release{"a"})));
  EXPECT_THAT(Handle(Preparations::Asked{.call = 2, .ids = {"a"}}),
              ElementsAre(VariantWith<Prepare>(Prepare{"a"})));
  EXPECT_THAT(Handle(Released{"a", absl::OkStatus()}), IsEmpty());
  EXPECT_THAT(Handle(Prepared{"a", absl::OkStatus()}),
              ElementsAre(VariantWith<Answer>(Answer{2, absl::OkStatus()})));
  EXPECT_THAT(Pass(kIdle), ElementsAre(VariantWith<Release>(Release{"a"})));
}

TEST_F(PreparationsTest, WhatCouldNotBeMadeReadyIsNotGivenBack) {
  Hold({});
  Handle(Preparations::Asked{.call = 1, .ids = {"a"}});
  Handle(Prepared{"a", absl::InternalError("no driver")});
  EXPECT_THAT(Pass(seconds(3600)), IsEmpty());
}

}  // namespace
}  // namespace nodedevice
