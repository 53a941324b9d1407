#include "agent/manager_inquiry.h"

#include <optional>

#include "gmock/gmock.h"
#include "tests/unit/agent/api_fixture.h"
#include "tests/unit/agent/log_capture.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string kNode = "/api/v1/nodes/w7";
const std::string kPools = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools";
const std::string kKubeletConfigs = "/apis/machineconfiguration.openshift.io/v1/kubeletconfigs";
const std::string kFeatureGate = "/apis/config.openshift.io/v1/featuregates/cluster";
// So that a question comes at once, and the next one hardly later.
constexpr Backoff kAtOnce = {.first = std::chrono::milliseconds(1),
                             .limit = std::chrono::milliseconds(2)};

nlohmann::json NodeThatIs(const std::string& ready) {
  return {{"metadata", {{"labels", {{"role", "worker"}}}}},
          {"status",
           {{"nodeInfo", {{"kubeletVersion", "v1.25.4"}}},
            {"conditions", {{{"type", "Ready"}, {"status", ready}}}}}}};
}

class ManagerInquiryTest : public ApiTest {
 protected:
  ManagerInquiryTest() { Use(kAtOnce); }

  void Use(Backoff pauses) {
    inquiry_ = std::make_unique<ManagerInquiry>(
        loop_, *worker_, *client_, "w7",
        [this](std::vector<std::string> why) { explanation_ = std::move(why); }, /*seed=*/1,
        pauses);
  }
  void Down(TimePoint since = Clock::now()) {
    inquiry_->Observe({.up = false, .since = since, .restarts = 0, .socket = "", .problem = ""});
  }
  void Up() {
    inquiry_->Observe(
        {.up = true, .since = Clock::now(), .restarts = 0, .socket = "", .problem = ""});
  }
  int asked() const { return server_.Count("GET " + kNode); }
  // Waits for an explanation that begins so.
  bool IsTold(const std::string& beginning) {
    return Until([&] {
      return explanation_ && !explanation_->empty() && explanation_->front().starts_with(beginning);
    });
  }
  // Waits for the answer to one more question than there were.
  void WaitForAnotherAnswer() {
    const int before = asked();
    EXPECT_TRUE(Until([&] { return asked() > before; }));
    Drain();
  }

  std::optional<std::vector<std::string>> explanation_;  // as it was told last
  std::unique_ptr<ManagerInquiry> inquiry_;
};

TEST_F(ManagerInquiryTest, PutsTogetherWhatTheApiSays) {
  server_.Put(kNode, NodeThatIs("Unknown"));
  server_.Put(
      kPools + "/worker",
      {{"metadata", {{"labels", {{"pool", "worker"}}}}},
       {"spec", {{"paused", true}, {"nodeSelector", {{"matchLabels", {{"role", "worker"}}}}}}}});
  server_.Put(kKubeletConfigs + "/big",
              {{"spec", {{"machineConfigPoolSelector", {{"matchLabels", {{"pool", "worker"}}}}}}}});
  server_.Put(kFeatureGate, {{"spec",
                              {{"featureSet", "CustomNoUpgrade"},
                               {"customNoUpgrade", {{"disabled", {"DevicePlugins"}}}}}}});
  Down();
  ASSERT_TRUE(Until([this] { return explanation_.has_value(); }));
  EXPECT_THAT(*explanation_,
              ElementsAre(StartsWith("the kubelet of node w7 stopped reporting"),
                          StartsWith("the FeatureGate cluster disables DevicePlugins"),
                          StartsWith("MachineConfigPool worker is paused"),
                          StartsWith("KubeletConfig big, which selects MachineConfigPool worker")));
}

TEST_F(ManagerInquiryTest, AClusterThatIsNotOpenShiftIsAskedForNoMoreThanItHas) {
  server_.Put(kNode, NodeThatIs("False"));
  server_.Refuse("GET /apis/", 404);
  Down();
  ASSERT_TRUE(IsTold("node w7 is NotReady"));
  EXPECT_THAT(*explanation_, ElementsAre("node w7 is NotReady"));
  EXPECT_EQ(server_.Count("GET " + kKubeletConfigs), 0);
}

TEST_F(ManagerInquiryTest, ANodeThatTheApiDoesNotKnowIsTold) {
  Down();
  EXPECT_TRUE(IsTold("the API knows no node w7"));
}

TEST_F(ManagerInquiryTest, WhatMayNotBeReadIsLoggedOnceAndNoFinding) {
  const LogCapture log;
  spdlog::default_logger()->set_level(spdlog::level::debug);
  server_.Put(kNode, NodeThatIs("False"));
  server_.Refuse("GET " + kPools, 403);
  server_.Refuse("GET " + kFeatureGate, 403);
  Down();
  ASSERT_TRUE(IsTold("node w7 is NotReady"));
  WaitForAnotherAnswer();
  EXPECT_THAT(*explanation_, ElementsAre("node w7 is NotReady"));
  const std::string text = log.text();
  EXPECT_THAT(text, HasSubstr(kPools));
  EXPECT_THAT(text, HasSubstr(kFeatureGate));
  EXPECT_EQ(text.find(kPools), text.rfind(kPools)) << text;
}

TEST_F(ManagerInquiryTest, ANodeThatMayNotBeReadIsNotTakenForMissing) {
  server_.Refuse("GET " + kNode, 403);
  Down();
  EXPECT_TRUE(IsTold("the API shows no reason"));
}

TEST_F(ManagerInquiryTest, AsksAgainWhileItStaysDown) {
  server_.Put(kNode, NodeThatIs("False"));
  Down();
  ASSERT_TRUE(IsTold("node w7 is NotReady"));
  server_.Put(kNode, NodeThatIs("Unknown"));
  EXPECT_TRUE(IsTold("the kubelet of node w7 stopped reporting"));
}

TEST_F(ManagerInquiryTest, AnApiThatIsAwayTakesTheOldExplanationBack) {
  server_.Put(kNode, NodeThatIs("False"));
  Down();
  ASSERT_TRUE(IsTold("node w7 is NotReady"));
  server_.Refuse("GET", 503);
  EXPECT_TRUE(Until([this] { return explanation_->empty(); }));
  server_.Refuse("GET", 0);
  EXPECT_TRUE(IsTold("node w7 is NotReady"));
}

TEST_F(ManagerInquiryTest, HalfAnAnswerIsNone) {
  server_.Put(kNode, NodeThatIs("False"));
  server_.Refuse("GET " + kFeatureGate, 500);
  Down();
  ASSERT_TRUE(Until([this] { return explanation_.has_value(); }));
  EXPECT_THAT(*explanation_, IsEmpty());
}

TEST_F(ManagerInquiryTest, AKubeletThatIsRestartedCostsNoRequest) {
  Use(InquirySchedule::kPauses);
  Down();
  Down();
  Drain();
  Up();
  Drain();
  EXPECT_EQ(server_.Count("GET"), 0);
}

TEST_F(ManagerInquiryTest, AsksNoMoreOnceItIsUp) {
  server_.Put(kNode, NodeThatIs("False"));
  Down();
  ASSERT_TRUE(IsTold("node w7 is NotReady"));
  Up();
  Drain();  // the question that is under way
  explanation_.reset();
  const int before = asked();
  for (int i = 0; i < 10; ++i) Drain();
  EXPECT_EQ(asked(), before);
  EXPECT_EQ(explanation_, std::nullopt);
}

TEST_F(ManagerInquiryTest, AnAnswerAboutAnEarlierOutageIsNotTold) {
  Use(InquirySchedule::kPauses);
  server_.Put(kNode, NodeThatIs("False"));
  server_.Hang(true);
  Down(Clock::now() - std::chrono::hours(1));
  ASSERT_TRUE(Until([this] { return asked() == 1; }));
  Up();
  Down();
  server_.Hang(false);
  Drain();
  EXPECT_EQ(explanation_, std::nullopt);
}

}  // namespace
}  // namespace nodedevice::testing
