// One test per cell of the registrar's state table that is not "ignore", named state, then event.
#include "plugin/registrar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace nodedevice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Actions as words, so that a failure reads well.
std::vector<std::string> Words(const std::vector<Registrar::Action>& actions) {
  struct Name {
    std::string operator()(const Registrar::Serve& a) const {
      return "Serve " + std::to_string(a.generation);
    }
    std::string operator()(const Registrar::Register& a) const {
      return "Register " + std::to_string(a.generation);
    }
    std::string operator()(const Registrar::PublishEmpty&) const { return "PublishEmpty"; }
    std::string operator()(const Registrar::ShutDown&) const { return "ShutDown"; }
  };
  std::vector<std::string> words;
  for (const auto& action : actions) words.push_back(std::visit(Name{}, action));
  return words;
}

class RegistrarTest : public ::testing::Test {
 protected:
  std::vector<std::string> Tell(const Registrar::Event& event) {
    return Words(registrar_.Handle(event, now_));
  }
  // Moves time to the pending deadline.
  std::vector<std::string> Deadline() {
    EXPECT_TRUE(registrar_.NextDeadline().has_value());
    now_ = registrar_.NextDeadline().value_or(now_);
    return Tell(Registrar::DeadlinePassed{});
  }
  Duration UntilDeadline() { return registrar_.NextDeadline().value() - now_; }

  void ToStarting() { Tell(Registrar::KubeletUp{}); }
  void ToRegistering() {
    ToStarting();
    Tell(Registrar::ServerReady{1, absl::OkStatus()});
  }
  void ToRegistered() {
    ToRegistering();
    Tell(Registrar::RegisterDone{1, absl::OkStatus()});
  }
  void ToStreaming() {
    ToRegistered();
    Tell(Registrar::StreamOpened{1});
  }
  void ToWaiting() {
    ToRegistering();
    Tell(Registrar::RegisterDone{1, absl::UnknownError("the kubelet said no")});
  }
  RegistrationPhase phase() const { return registrar_.phase(); }

  Registrar registrar_;
  TimePoint now_ = TimePoint{} + seconds(1000);
};

TEST_F(RegistrarTest, IdleKubeletUpServes) {
  EXPECT_EQ(phase(), RegistrationPhase::kIdle);
  EXPECT_THAT(Tell(Registrar::KubeletUp{}), ElementsAre("Serve 1"));
  EXPECT_EQ(phase(), RegistrationPhase::kStarting);
}

TEST_F(RegistrarTest, IdleStopShutsDown) {
  EXPECT_THAT(Tell(Registrar::StopRequested{}), ElementsAre("ShutDown"));
}

TEST_F(RegistrarTest, StartingKubeletReplacedServesAgain) {
  ToStarting();
  EXPECT_THAT(Tell(Registrar::KubeletUp{.replaced = true}), ElementsAre("Serve 2"));
}

TEST_F(RegistrarTest, StartingKubeletDownIsIdle) {
  ToStarting();
  EXPECT_THAT(Tell(Registrar::KubeletDown{}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kIdle);
}

TEST_F(RegistrarTest, StartingOwnSocketRemovedServesAgain) {
  ToStarting();
  EXPECT_THAT(Tell(Registrar::OwnSocketRemoved{}), ElementsAre("Serve 2"));
}

TEST_F(RegistrarTest, StartingServerReadyRegisters) {
  ToStarting();
  EXPECT_THAT(Tell(Registrar::ServerReady{1, absl::OkStatus()}), ElementsAre("Register 1"));
  EXPECT_EQ(phase(), RegistrationPhase::kRegistering);
}

TEST_F(RegistrarTest, StartingServerFailedWaits) {
  ToStarting();
  EXPECT_THAT(Tell(Registrar::ServerReady{1, absl::UnavailableError("read-only")}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kWaiting);
  EXPECT_EQ(registrar_.error(), "read-only");
}

TEST_F(RegistrarTest, StartingServerReadyOfEarlierGenerationIsIgnored) {
  ToStarting();
  Tell(Registrar::OwnSocketRemoved{});
  EXPECT_THAT(Tell(Registrar::ServerReady{1, absl::OkStatus()}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kStarting);
}

TEST_F(RegistrarTest, StartingStopShutsDown) {
  ToStarting();
  EXPECT_THAT(Tell(Registrar::StopRequested{.withdraw = true}), ElementsAre("ShutDown"));
}

TEST_F(RegistrarTest, RegisteringKubeletReplacedServes) {
  ToRegistering();
  EXPECT_THAT(Tell(Registrar::KubeletUp{.replaced = true}), ElementsAre("Serve 2"));
}

TEST_F(RegistrarTest, RegisteringKubeletDownIsIdle) {
  ToRegistering();
  Tell(Registrar::KubeletDown{});
  EXPECT_EQ(phase(), RegistrationPhase::kIdle);
}

TEST_F(RegistrarTest, RegisteringOwnSocketRemovedWaits) {
  ToRegistering();
  EXPECT_THAT(Tell(Registrar::OwnSocketRemoved{}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kWaiting);
}

TEST_F(RegistrarTest, RegisteringDoneIsRegisteredAndCounted) {
  ToRegistering();
  EXPECT_THAT(Tell(Registrar::RegisterDone{1, absl::OkStatus()}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kRegistered);
  EXPECT_EQ(registrar_.registrations_ok(), 1u);
  EXPECT_EQ(UntilDeadline(), Registrar::kStreamExpected);
}

TEST_F(RegistrarTest, RegisteringDoneAfterStreamOpenedIsStreaming) {
  ToRegistering();
  EXPECT_THAT(Tell(Registrar::StreamOpened{1}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kRegistering);
  Tell(Registrar::RegisterDone{1, absl::OkStatus()});
  EXPECT_EQ(phase(), RegistrationPhase::kStreaming);
}

TEST_F(RegistrarTest, RegisteringDoneAfterStreamOpenedAndClosedIsNotStreaming) {
  ToRegistering();
  Tell(Registrar::StreamOpened{1});
  Tell(Registrar::StreamClosed{1});
  Tell(Registrar::RegisterDone{1, absl::OkStatus()});
  EXPECT_EQ(phase(), RegistrationPhase::kRegistered);
}

TEST_F(RegistrarTest, RegisteringFailedWaitsWithGrowingBackoff) {
  ToWaiting();
  EXPECT_EQ(registrar_.error(), "the kubelet said no");
  EXPECT_EQ(registrar_.registrations_failed(), 1u);
  EXPECT_EQ(UntilDeadline(), milliseconds(100));
  EXPECT_THAT(Deadline(), ElementsAre("Serve 2"));
  Tell(Registrar::ServerReady{2, absl::OkStatus()});
  Tell(Registrar::RegisterDone{2, absl::UnknownError("no")});
  EXPECT_EQ(UntilDeadline(), milliseconds(200));
}

TEST_F(RegistrarTest, RegisteringStopShutsDown) {
  ToRegistering();
  EXPECT_THAT(Tell(Registrar::StopRequested{}), ElementsAre("ShutDown"));
}

TEST_F(RegistrarTest, RegisteredKubeletReplacedServes) {
  ToRegistered();
  EXPECT_THAT(Tell(Registrar::KubeletUp{.replaced = true}), ElementsAre("Serve 2"));
}

TEST_F(RegistrarTest, RegisteredKubeletDownIsIdle) {
  ToRegistered();
  Tell(Registrar::KubeletDown{});
  EXPECT_EQ(phase(), RegistrationPhase::kIdle);
  EXPECT_FALSE(registrar_.NextDeadline().has_value());
}

TEST_F(RegistrarTest, RegisteredOwnSocketRemovedWaits) {
  ToRegistered();
  Tell(Registrar::OwnSocketRemoved{});
  EXPECT_EQ(phase(), RegistrationPhase::kWaiting);
}

TEST_F(RegistrarTest, RegisteredStreamOpenedIsStreaming) {
  ToRegistered();
  EXPECT_THAT(Tell(Registrar::StreamOpened{1}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kStreaming);
  EXPECT_FALSE(registrar_.NextDeadline().has_value());
}

TEST_F(RegistrarTest, RegisteredWithoutStreamWaits) {
  ToRegistered();
  EXPECT_THAT(Deadline(), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kWaiting);
  EXPECT_EQ(registrar_.error(), "registered, but the kubelet did not ask for the device list");
}

TEST_F(RegistrarTest, RegisteredStopShutsDown) {
  ToRegistered();
  EXPECT_THAT(Tell(Registrar::StopRequested{}), ElementsAre("ShutDown"));
}

TEST_F(RegistrarTest, StreamingKubeletReplacedRegistersWithoutSettling) {
  ToStreaming();
  EXPECT_THAT(Tell(Registrar::KubeletUp{.replaced = true}), ElementsAre("Serve 2"));
  EXPECT_THAT(Tell(Registrar::ServerReady{2, absl::OkStatus()}), ElementsAre("Register 2"));
}

TEST_F(RegistrarTest, StreamingKubeletDownIsIdleAndComesBack) {
  ToStreaming();
  EXPECT_THAT(Tell(Registrar::KubeletDown{}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kIdle);
  EXPECT_THAT(Tell(Registrar::StreamClosed{1}), IsEmpty());
  EXPECT_THAT(Tell(Registrar::KubeletUp{}), ElementsAre("Serve 2"));
  EXPECT_THAT(Tell(Registrar::ServerReady{2, absl::OkStatus()}), ElementsAre("Register 2"));
}

TEST_F(RegistrarTest, StreamingOwnSocketRemovedServesAndLetsTheKubeletSettle) {
  ToStreaming();
  EXPECT_THAT(Tell(Registrar::OwnSocketRemoved{}), ElementsAre("Serve 2"));
  // The same kubelet must notice the end of our stream before it hears of us again.
  EXPECT_THAT(Tell(Registrar::ServerReady{2, absl::OkStatus()}), IsEmpty());
  EXPECT_EQ(UntilDeadline(), Registrar::kSettle);
  EXPECT_THAT(Deadline(), ElementsAre("Register 2"));
}

TEST_F(RegistrarTest, SettlingOwnSocketRemovedServesAgain) {
  ToStreaming();
  Tell(Registrar::OwnSocketRemoved{});
  Tell(Registrar::ServerReady{2, absl::OkStatus()});
  EXPECT_THAT(Tell(Registrar::OwnSocketRemoved{}), ElementsAre("Serve 3"));
}

TEST_F(RegistrarTest, SettlingIsOverWhenTheServerTookLonger) {
  ToStreaming();
  Tell(Registrar::OwnSocketRemoved{});
  now_ += Registrar::kSettle;
  EXPECT_THAT(Tell(Registrar::ServerReady{2, absl::OkStatus()}), ElementsAre("Register 2"));
}

TEST_F(RegistrarTest, StreamingStreamClosedByTheKubeletRegistersAtOnce) {
  ToStreaming();
  EXPECT_THAT(Tell(Registrar::StreamClosed{1}), ElementsAre("Register 1"));
}

TEST_F(RegistrarTest, StreamingStreamClosedAgainAndAgainBacksOff) {
  ToStreaming();
  Tell(Registrar::StreamClosed{1});
  Tell(Registrar::RegisterDone{1, absl::OkStatus()});
  Tell(Registrar::StreamOpened{1});
  EXPECT_THAT(Tell(Registrar::StreamClosed{1}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kWaiting);
  EXPECT_EQ(registrar_.error(), "the kubelet ended the device list stream");
}

TEST_F(RegistrarTest, StreamingStableForgetsFailures) {
  ToStreaming();
  Tell(Registrar::StreamClosed{1});
  Tell(Registrar::RegisterDone{1, absl::OkStatus()});
  Tell(Registrar::StreamOpened{1});
  EXPECT_EQ(UntilDeadline(), Registrar::kStable);
  EXPECT_THAT(Deadline(), IsEmpty());
  EXPECT_THAT(Tell(Registrar::StreamClosed{1}), ElementsAre("Register 1"));
}

TEST_F(RegistrarTest, StreamingStopForRestartShutsDownAndKeepsTheList) {
  ToStreaming();
  EXPECT_THAT(Tell(Registrar::StopRequested{}), ElementsAre("ShutDown"));
}

TEST_F(RegistrarTest, StreamingStopWithWithdrawalPublishesEmptyFirst) {
  ToStreaming();
  EXPECT_THAT(Tell(Registrar::StopRequested{.withdraw = true}), ElementsAre("PublishEmpty"));
  EXPECT_EQ(phase(), RegistrationPhase::kWithdrawing);
  EXPECT_THAT(Tell(Registrar::EmptySent{1}), ElementsAre("ShutDown"));
}

TEST_F(RegistrarTest, WaitingKubeletReplacedServesNow) {
  ToWaiting();
  EXPECT_THAT(Tell(Registrar::KubeletUp{.replaced = true}), ElementsAre("Serve 2"));
}

TEST_F(RegistrarTest, WaitingKubeletDownIsIdle) {
  ToWaiting();
  Tell(Registrar::KubeletDown{});
  EXPECT_EQ(phase(), RegistrationPhase::kIdle);
  EXPECT_EQ(registrar_.error(), "");
}

TEST_F(RegistrarTest, WaitingDeadlineTooEarlyIsIgnored) {
  ToWaiting();
  EXPECT_THAT(Tell(Registrar::DeadlinePassed{}), IsEmpty());
  EXPECT_EQ(phase(), RegistrationPhase::kWaiting);
}

TEST_F(RegistrarTest, WaitingStopShutsDown) {
  ToWaiting();
  EXPECT_THAT(Tell(Registrar::StopRequested{.withdraw = true}), ElementsAre("ShutDown"));
}

class WithdrawingTest : public RegistrarTest {
 protected:
  void SetUp() override {
    ToStreaming();
    Tell(Registrar::StopRequested{.withdraw = true});
  }
};

TEST_F(WithdrawingTest, StreamClosedShutsDown) {
  EXPECT_THAT(Tell(Registrar::StreamClosed{1}), ElementsAre("ShutDown"));
}

TEST_F(WithdrawingTest, DeadlineShutsDown) {
  EXPECT_EQ(UntilDeadline(), Registrar::kWithdrawLimit);
  EXPECT_THAT(Deadline(), ElementsAre("ShutDown"));
}

TEST_F(WithdrawingTest, StopForRestartShutsDownNow) {
  EXPECT_THAT(Tell(Registrar::StopRequested{}), ElementsAre("ShutDown"));
}

TEST_F(WithdrawingTest, KubeletEventsAreIgnored) {
  EXPECT_THAT(Tell(Registrar::KubeletUp{.replaced = true}), IsEmpty());
  EXPECT_THAT(Tell(Registrar::KubeletDown{}), IsEmpty());
  EXPECT_THAT(Tell(Registrar::StopRequested{.withdraw = true}), IsEmpty());
}

// Any sequence of events: the invariants that protect the node.
TEST(RegistrarModelTest, RandomEventsKeepTheInvariants) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    Registrar registrar;
    TimePoint now = TimePoint{} + seconds(1000);
    std::uint64_t served = 0;
    bool stream_open = false;  // towards the present kubelet
    TimePoint stream_ended_by_us{};
    bool stopped = false;
    for (int step = 0; step < 200; ++step) {
      now += milliseconds(random() % 400);
      const std::uint64_t generation = served - (served > 0 && random() % 5 == 0 ? 1 : 0);
      const absl::Status status =
          random() % 4 == 0 ? absl::UnknownError("failed") : absl::OkStatus();
      Registrar::Event event;
      switch (random() % 12) {
        case 0:
          event = Registrar::KubeletUp{.replaced = true};
          stream_open = false;
          stream_ended_by_us = {};
          break;
        case 1:
          event = Registrar::KubeletDown{};
          stream_open = false;
          stream_ended_by_us = {};
          break;
        case 2:
          event = Registrar::OwnSocketRemoved{};
          break;
        case 3:
        case 4:
          event = Registrar::ServerReady{generation, status};
          break;
        case 5:
        case 6:
          event = Registrar::RegisterDone{generation, status};
          break;
        case 7:
        case 8:
          if (registrar.phase() != RegistrationPhase::kRegistering &&
              registrar.phase() != RegistrationPhase::kRegistered) {
            continue;
          }
          event = Registrar::StreamOpened{served};
          stream_open = true;
          break;
        case 9:
          event = Registrar::StreamClosed{generation};
          if (generation == served) stream_open = false;
          break;
        case 10:
          event = Registrar::DeadlinePassed{};
          if (registrar.NextDeadline()) now = std::max(now, *registrar.NextDeadline());
          break;
        case 11:
          if (step < 150) continue;
          event = Registrar::StopRequested{.withdraw = random() % 2 == 0};
          break;
      }
      for (const auto& action : registrar.Handle(event, now)) {
        ASSERT_FALSE(stopped) << "seed " << seed << ": an action after ShutDown";
        if (const auto* serve = std::get_if<Registrar::Serve>(&action)) {
          ASSERT_EQ(serve->generation, served + 1) << "a socket name is used twice";
          served = serve->generation;
          if (stream_open) stream_ended_by_us = now;
          stream_open = false;
        } else if (const auto* call = std::get_if<Registrar::Register>(&action)) {
          ASSERT_EQ(call->generation, served);
          ASSERT_FALSE(stream_open) << "seed " << seed << ": Register while a stream is open";
          if (stream_ended_by_us != TimePoint{}) {
            ASSERT_GE(now - stream_ended_by_us, Registrar::kSettle) << "seed " << seed;
          }
        } else if (std::holds_alternative<Registrar::ShutDown>(action)) {
          stopped = true;
        }
      }
    }
  }
}

}  // namespace
}  // namespace nodedevice
