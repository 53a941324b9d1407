// Each transition of a candidate that does not lead yet. That no two lead is
// lease_election_model_test.cc.

#include "lib/kube/lease_election.h"

#include <set>

#include "tests/unit/kube/lease_election_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Json = nlohmann::json;
using std::chrono::seconds;

using LeaseElectionTest = LeaseElectionFixture;

TEST_F(LeaseElectionTest, CreatesTheLeaseThatIsNotThereAndLeads) {
  Start();
  EXPECT_THAT(TellMissing(), ElementsAre("Create me_1"));
  EXPECT_FALSE(election_.Leads(now_));
  EXPECT_THAT(TellWritten(), ElementsAre("Lead"));
  EXPECT_TRUE(election_.Leads(now_));
  EXPECT_EQ(election_.holder(), "me_1");
}

TEST_F(LeaseElectionTest, ALostRaceIsNoProblemAndLookedAtAgain) {
  Start();
  TellMissing();
  EXPECT_THAT(TellWritten(ErrorOfAnswer("POST /leases", 409,
                                        R"({"kind":"Status","reason":"AlreadyExists"})")),
              IsEmpty());
  EXPECT_TRUE(election_.problem().ok()) << election_.problem();
  LookLater();
  EXPECT_THAT(TellLooked(Released()), ElementsAre("Replace me_1"));
  EXPECT_THAT(TellWritten(kConflict), IsEmpty());
  EXPECT_TRUE(election_.problem().ok()) << election_.problem();
  LookLater();
}

TEST_F(LeaseElectionTest, TakesWhatWasGivenBackAtOnce) {
  StandBy();
  EXPECT_EQ(election_.holder(), "other_2");
  LookLater();
  EXPECT_THAT(TellLooked(Released()), ElementsAre("Replace me_1"));
  EXPECT_EQ(replaced_["metadata"]["resourceVersion"], "9");
  EXPECT_EQ(replaced_["spec"]["leaseTransitions"], 4);
  EXPECT_EQ(replaced_["spec"]["acquireTime"], "2026-01-02T03:04:05.000000Z");
  EXPECT_THAT(TellWritten(), ElementsAre("Lead"));
}

TEST_F(LeaseElectionTest, TakesALeaseThatNobodyHasEverHeld) {
  Start();
  EXPECT_THAT(TellLooked(Of(Json::object())), ElementsAre("Replace me_1"));
}

TEST_F(LeaseElectionTest, LooksEveryRetryPeriodAndUpToAFifthMore) {
  StandBy();
  std::set<Duration::rep> parts;
  for (int i = 0; i < 100; ++i) {
    const Duration pause = *election_.NextDeadline() - now_;
    EXPECT_GE(pause, seconds(26));
    EXPECT_LE(pause, seconds(26) * 1.2);
    parts.insert(pause.count());
    LookLater();
    EXPECT_THAT(TellLooked(Lease("other_2", i)), IsEmpty()) << "it is renewed";
  }
  EXPECT_GT(parts.size(), 50u);
}

TEST_F(LeaseElectionTest, DoesNotLookBeforeItsTime) {
  StandBy();
  EXPECT_THAT(Tell(LeaseElection::DeadlinePassed{}), IsEmpty());
  LookLater();
  EXPECT_EQ(election_.NextDeadline(), std::nullopt) << "the answer is awaited";
  now_ += std::chrono::hours(1);
  EXPECT_THAT(Tell(LeaseElection::DeadlinePassed{}), IsEmpty());
}

TEST_F(LeaseElectionTest, TakesARecordThatHasNotChangedForLongerThanItsDuration) {
  StandBy();
  const TimePoint seen = now_;
  LookLater();
  now_ = seen + seconds(137);
  ASSERT_THAT(TellLooked(Lease("other_2", 1)), IsEmpty());
  LookLater();
  ASSERT_THAT(TellLooked(Lease("other_2", 1)), ElementsAre("Replace me_1"));
  EXPECT_EQ(replaced_["spec"]["leaseTransitions"], 4);
}

TEST_F(LeaseElectionTest, ARenewalByAClockThatStandsIsAChange) {
  StandBy();
  LookLater();
  now_ += seconds(138);
  Json lease = Lease("other_2", 1);
  lease["metadata"]["resourceVersion"] = "2";
  EXPECT_THAT(TellLooked(lease), IsEmpty());
}

TEST_F(LeaseElectionTest, WhatTheRecordSaysOfTimesIsNotBelieved) {
  StandBy();
  LookLater();
  // Renewed in the last century, or in the next.
  EXPECT_THAT(TellLooked(Lease("other_2", 2, {{"renewTime", "1970-01-01T00:00:00.000000Z"}})),
              IsEmpty());
  LookLater();
  now_ += seconds(138);
  EXPECT_THAT(TellLooked(Lease("other_2", 3, {{"renewTime", "2199-01-01T00:00:00.000000Z"}})),
              IsEmpty());
}

struct Wait {
  const char* spec;
  int seconds;
};
class LeaseElectionWaitTest : public LeaseElectionTest,
                              public ::testing::WithParamInterface<Wait> {};

TEST_P(LeaseElectionWaitTest, IsTheLongerOfItsDurationAndOurs) {
  Start();
  const Json lease = Of(Json::parse(GetParam().spec));
  ASSERT_THAT(TellLooked(lease), IsEmpty());
  const TimePoint seen = now_;
  LookLater();
  now_ = seen + seconds(GetParam().seconds);
  ASSERT_THAT(TellLooked(lease), IsEmpty());
  LookLater();
  ASSERT_THAT(TellLooked(lease), ElementsAre("Replace me_1"));
}

INSTANTIATE_TEST_SUITE_P(
    Records, LeaseElectionWaitTest,
    ::testing::Values(Wait{R"({"holderIdentity":"b","leaseDurationSeconds":137})", 137},
                      Wait{R"({"holderIdentity":"b","leaseDurationSeconds":270})", 270},
                      Wait{R"({"holderIdentity":"b","leaseDurationSeconds":1})", 137},
                      Wait{R"({"holderIdentity":"b","leaseDurationSeconds":-5})", 137},
                      Wait{R"({"holderIdentity":"b","leaseDurationSeconds":"x"})", 137},
                      Wait{R"({"holderIdentity":"b"})", 137},
                      Wait{R"({"holderIdentity":"b","leaseDurationSeconds":1e99})", 137},
                      Wait{R"({"holderIdentity":"b","leaseDurationSeconds":999999999999})", 3600},
                      Wait{R"({"holderIdentity":"","leaseDurationSeconds":270})", 270},
                      Wait{R"({"holderIdentity":["b"],"leaseDurationSeconds":1})", 137},
                      Wait{R"({"renewTime":"x"})", 137}, Wait{R"("x")", 137}, Wait{"[]", 137}));

TEST_F(LeaseElectionTest, ALeaseThatVanishesUnderAnotherIsWaitedForLikeOneThatStands) {
  for (const absl::StatusOr<Json>& gone :
       {absl::StatusOr<Json>(absl::NotFoundError("gone")), absl::StatusOr<Json>(Of(Json())),
        absl::StatusOr<Json>(Lease("", 2))}) {
    election_ = LeaseElection({"ns", "controller", "me_1"}, LeaseTimes(), 1);
    StandBy();
    LookLater();
    now_ += seconds(1000);
    ASSERT_THAT(TellLooked(gone), IsEmpty()) << "its leader may not know yet";
    const TimePoint seen = now_;
    LookLater();
    now_ = seen + seconds(137);
    ASSERT_THAT(TellLooked(gone), IsEmpty());
    LookLater();
    ASSERT_THAT(TellLooked(gone), ElementsAre(gone.ok() ? "Replace me_1" : "Create me_1"));
  }
}

TEST_F(LeaseElectionTest, WhatMakesNoSenseIsWaitedForAsLongAsWhatItReplaced) {
  Start();
  TellLooked(Lease("other_2", 1, {{"leaseDurationSeconds", 270}}));
  LookLater();
  const TimePoint seen = now_;
  ASSERT_THAT(TellLooked(Of("x")), IsEmpty());
  LookLater();
  now_ = seen + seconds(270);
  ASSERT_THAT(TellLooked(Of("x")), IsEmpty());
  LookLater();
  ASSERT_THAT(TellLooked(Of("x")), ElementsAre("Replace me_1"));
}

TEST_F(LeaseElectionTest, AnAnswerThatIsNoLeaseIsAProblem) {
  for (const Json& answer : {Json(), Json(7), Json("x"), Json::array(), Json::object(),
                             Json({{"metadata", {{"resourceVersion", 7}}}})}) {
    Start();
    EXPECT_THAT(TellLooked(answer), IsEmpty()) << answer;
    EXPECT_EQ(election_.problem().message(),
              "the API server's answer is not the lease ns/controller");
  }
}

TEST_F(LeaseElectionTest, SaysWhyItCannotLookAndForgetsItWhenItCan) {
  Start();
  EXPECT_THAT(TellLooked(kDown), IsEmpty());
  EXPECT_EQ(election_.problem(), kDown);
  LookLater();
  EXPECT_THAT(TellLooked(Lease("other_2", 1)), IsEmpty());
  EXPECT_TRUE(election_.problem().ok());
}

TEST_F(LeaseElectionTest, AWriteThatIsForbiddenStaysAProblem) {
  const absl::Status forbidden = ErrorOfAnswer("POST /leases", 403, "");
  Start();
  TellMissing();
  TellWritten(forbidden);
  EXPECT_EQ(election_.problem(), forbidden);
  LookLater();
  EXPECT_THAT(TellMissing(), ElementsAre("Create me_1"));
  EXPECT_EQ(election_.problem(), forbidden) << "until it succeeds";
  EXPECT_THAT(TellWritten(), ElementsAre("Lead"));
  EXPECT_TRUE(election_.problem().ok());
}

TEST_F(LeaseElectionTest, WaitsAsLongAsTheServerAsksButNotForEver) {
  Start();
  TellLooked(ErrorOfAnswer("GET /lease", 429, "", "60"));
  EXPECT_GE(*election_.NextDeadline() - now_, seconds(60));
  LookLater();
  TellLooked(ErrorOfAnswer("GET /lease", 429, "", "3600"));
  EXPECT_EQ(*election_.NextDeadline() - now_, seconds(137));
}

TEST_F(LeaseElectionTest, AWriteWhoseAnswerWasLostIsFoundToBeOursAndRenewedBeforeItLeads) {
  Start();
  TellMissing();
  ASSERT_THAT(TellWritten(kDown), IsEmpty());
  LookLater();
  EXPECT_THAT(TellLooked(Lease("me_1", 1)), ElementsAre("Replace me_1"));
  EXPECT_EQ(replaced_["spec"]["acquireTime"], "then");
  EXPECT_EQ(replaced_["spec"]["leaseTransitions"], 3);
  EXPECT_THAT(TellWritten(), ElementsAre("Lead"));
}

TEST_F(LeaseElectionTest, AWriteThatCameTooLateToANewerLeadersLeaseIsNothingToLeadBy) {
  Start();
  TellMissing();
  ASSERT_THAT(TellWritten(kDown), IsEmpty());
  LookLater();
  ASSERT_THAT(TellLooked(Lease("other_2", 1)), IsEmpty());
  // Somebody deletes that one, and only now our own arrives. The other does not know yet.
  LookLater();
  ASSERT_THAT(TellLooked(Lease("me_1", 3)), IsEmpty());
  LookLater();
  now_ += seconds(138);
  EXPECT_THAT(TellLooked(Lease("me_1", 3)), ElementsAre("Replace me_1"));
}

TEST_F(LeaseElectionTest, AnAnswerThatTookTooLongIsNothingToLeadBy) {
  Start();
  TellMissing();
  now_ += seconds(107);
  EXPECT_THAT(TellWritten(), IsEmpty());
  EXPECT_FALSE(election_.Leads(now_));
  LookLater();
  EXPECT_THAT(TellLooked(Lease("me_1", 1)), ElementsAre("Replace me_1"));
  now_ += seconds(106);
  EXPECT_THAT(TellWritten(), ElementsAre("Lead"));
  EXPECT_TRUE(election_.Leads(now_));
  EXPECT_FALSE(election_.Leads(now_ + seconds(1))) << "from when it was sent";
  EXPECT_EQ(election_.NextDeadline(), now_ + seconds(1));
}

TEST_F(LeaseElectionTest, AnswersThatNobodyAwaitsAreIgnored) {
  EXPECT_THAT(TellMissing(), IsEmpty());
  EXPECT_THAT(TellWritten(), IsEmpty());
  Start();
  EXPECT_THAT(TellWritten(), IsEmpty());
  TellMissing();
  EXPECT_THAT(TellMissing(), IsEmpty());
  EXPECT_THAT(TellWritten(), ElementsAre("Lead"));
  EXPECT_THAT(TellWritten(), IsEmpty());
}

}  // namespace
}  // namespace nodedevice::testing
