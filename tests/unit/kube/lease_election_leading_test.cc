// Each transition of a candidate that leads, and of one that stops.

#include "lib/kube/lease_election.h"

#include "tests/unit/kube/lease_election_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Json = nlohmann::json;
using std::chrono::seconds;

using LeaseElectionLeadingTest = LeaseElectionFixture;

// ---- leading -----------------------------------------------------------------------------------

TEST_F(LeaseElectionLeadingTest, RenewsAsLongAsItLeads) {
  LeadNow();
  for (int i = 0; i < 100; ++i) {
    LookLater();
    ASSERT_THAT(TellLooked(Lease("me_1", i, {{"strategy", "kept"}})), ElementsAre("Replace me_1"));
    EXPECT_EQ(replaced_["spec"]["strategy"], "kept");
    EXPECT_EQ(replaced_["metadata"]["resourceVersion"], std::to_string(i));
    ASSERT_THAT(TellWritten(), IsEmpty());
    ASSERT_TRUE(election_.Leads(now_));
  }
}

TEST_F(LeaseElectionLeadingTest, AConflictOfTheLeaderIsLookedAtAgain) {
  LeadNow();
  LookLater();
  TellLooked(Lease("me_1", 1));
  EXPECT_THAT(TellWritten(kConflict), IsEmpty());
  EXPECT_TRUE(election_.Leads(now_));
  LookLater();
  EXPECT_THAT(TellLooked(Lease("me_1", 1)), ElementsAre("Replace me_1"));
}

TEST_F(LeaseElectionLeadingTest, GivesUpWhenItCouldNotRenewInTime) {
  LeadNow();
  const TimePoint renewed = now_;
  while (*election_.NextDeadline() < renewed + seconds(107)) {
    LookLater();
    ASSERT_THAT(TellLooked(kDown), IsEmpty());
    ASSERT_TRUE(election_.Leads(now_));
  }
  EXPECT_THAT(TellLater(), ElementsAre("Lose: the lease ns/controller could not be renewed for 107 "
                                       "s: connection refused"));
  EXPECT_EQ(now_, renewed + seconds(107));
  EXPECT_FALSE(election_.Leads(now_));
}

TEST_F(LeaseElectionLeadingTest, GivesUpThoughAnAnswerIsStillAwaited) {
  LeadNow();
  LookLater();
  EXPECT_THAT(TellLater(), ElementsAre("Lose: the lease ns/controller could not be renewed for 107 "
                                       "s: the API server has not answered in time"));
  EXPECT_THAT(TellLooked(Lease("me_1", 1)), IsEmpty());
}

TEST_F(LeaseElectionLeadingTest, ARenewalThatComesAfterTheTimeIsTooLate) {
  LeadNow();
  LookLater();
  TellLooked(Lease("me_1", 1));
  now_ += seconds(90);
  ASSERT_FALSE(election_.Leads(now_)) << "though nobody has told it yet";
  EXPECT_THAT(TellWritten(),
              ElementsAre("Lose: the lease ns/controller could not be renewed for 107 s: the API "
                          "server has not answered in time"));
}

TEST_F(LeaseElectionLeadingTest, StopsLeadingWhenTheLeaseIsNotItsOwnAnyMore) {
  const struct {
    absl::StatusOr<Json> lease;
    const char* why;
  } cases[] = {
      {Lease("other_2", 1), "its holder is now other_2"},
      {Lease("other\n\x1b[2J", 1), "its holder is now other [2J"},
      {Lease("", 1), "somebody deleted or edited it, and it has no holder"},
      {Of(7), "somebody deleted or edited it, and it has no holder"},
      {absl::NotFoundError("gone"), "somebody deleted or edited it, and it has no holder"}};
  for (const auto& [lease, why] : cases) {
    election_ = LeaseElection({"ns", "controller", "me_1"}, LeaseTimes(), 1);
    LeadNow();
    LookLater();
    EXPECT_THAT(TellLooked(lease),
                ElementsAre(absl::StrCat("Lose: the lease ns/controller was taken away: ", why)));
    EXPECT_FALSE(election_.Leads(now_));
  }
}

TEST_F(LeaseElectionLeadingTest, AfterItHasLostItDoesNothingMore) {
  LeadNow();
  LookLater();
  TellLooked(Lease("other_2", 1));
  EXPECT_EQ(election_.NextDeadline(), std::nullopt);
  now_ += seconds(1000);
  EXPECT_THAT(Tell(LeaseElection::DeadlinePassed{}), IsEmpty());
  EXPECT_THAT(TellMissing(), IsEmpty());
  EXPECT_THAT(TellWritten(), IsEmpty());
  EXPECT_THAT(Texts(election_.Start(now_)), IsEmpty());
  EXPECT_THAT(TellStop(), ElementsAre("Released"));
}

// ---- stopping ----------------------------------------------------------------------------------

TEST_F(LeaseElectionLeadingTest, GivesBackWhatItHolds) {
  LeadNow();
  EXPECT_THAT(TellStop(), ElementsAre("Look"));
  EXPECT_FALSE(election_.Leads(now_));
  EXPECT_THAT(TellLooked(Lease("me_1", 1)), ElementsAre("Replace "));
  EXPECT_EQ(replaced_["spec"]["leaseDurationSeconds"], 1);
  EXPECT_EQ(replaced_["spec"]["renewTime"], "2026-01-02T03:04:05.000000Z");
  EXPECT_EQ(replaced_["metadata"]["resourceVersion"], "1");
  EXPECT_THAT(TellWritten(), ElementsAre("Released"));
  EXPECT_EQ(election_.NextDeadline(), std::nullopt);
}

TEST_F(LeaseElectionLeadingTest, GivesBackNothingThatIsNotItsOwn) {
  StandBy();
  EXPECT_THAT(TellStop(), ElementsAre("Released")) << "it has never written";
  election_ = LeaseElection({"ns", "controller", "me_1"}, LeaseTimes(), 1);
  LeadNow();
  TellStop();
  EXPECT_THAT(TellLooked(Lease("other_2", 1)), ElementsAre("Released"));
}

TEST_F(LeaseElectionLeadingTest, AwaitsTheAnswerBeforeItGivesBack) {
  Start();
  TellMissing();
  EXPECT_THAT(TellStop(), IsEmpty());
  EXPECT_THAT(TellWritten(), ElementsAre("Look")) << "and does not lead";
  EXPECT_THAT(TellLooked(Lease("me_1", 1)), ElementsAre("Replace "));
  // The last write may have arrived or not.
  election_ = LeaseElection({"ns", "controller", "me_1"}, LeaseTimes(), 1);
  LeadNow();
  LookLater();
  EXPECT_THAT(TellStop(), IsEmpty());
  EXPECT_THAT(TellLooked(Lease("me_1", 1)), ElementsAre("Replace "));
}

TEST_F(LeaseElectionLeadingTest, DoesNotInsistOnGivingBack) {
  LeadNow();
  TellStop();
  EXPECT_THAT(TellLooked(kDown), ElementsAre("Released"));
  election_ = LeaseElection({"ns", "controller", "me_1"}, LeaseTimes(), 1);
  LeadNow();
  TellStop();
  TellLooked(Lease("me_1", 1));
  EXPECT_THAT(TellWritten(kConflict), ElementsAre("Released"));
}

TEST_F(LeaseElectionLeadingTest, WaitsForNoAnswerLongerThanTenSeconds) {
  LeadNow();
  const TimePoint stopped = now_;
  TellStop();
  EXPECT_THAT(TellStop(), IsEmpty()) << "once is enough";
  EXPECT_THAT(TellLater(), ElementsAre("Released"));
  EXPECT_EQ(now_, stopped + seconds(10));
  EXPECT_THAT(TellLooked(Lease("me_1", 1)), IsEmpty());
}

}  // namespace
}  // namespace nodedevice::testing
