// Two candidates, their clients and workers in one event loop, against an API server in memory.

#include "lib/kube/leader_elector.h"

#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/cluster_access.h"
#include "tests/support/fake_api_server.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kPath[] = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/controller";

// One process of the program that wants to lead.
class Replica {
 public:
  Replica(EventLoop& loop, const ClusterAccess& access, const std::string& identity,
          const LeaseTimes& times)
      : client_(*ApiClient::Create(access, {.user_agent = "test/1"})),
        worker_(std::in_place),
        elector_(std::in_place, loop, *worker_, *client_,
                 LeaseElection::Candidate{"ns", "controller", identity}, times,
                 LeaderElector::Callbacks{
                     .on_lead = [this] { ++leads; },
                     .on_lost = [this](const absl::Status& why) { lost = why; },
                     .on_problem = [this](const absl::Status& now) { problem = now; }},
                 1) {
    elector_->Start();
  }
  ~Replica() {
    elector_.reset();
    client_->Shutdown();
    worker_.reset();
  }
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  LeaderElector& elector() { return *elector_; }

  int leads = 0;
  absl::Status lost;
  absl::Status problem;

 private:
  std::unique_ptr<ApiClient> client_;
  std::optional<Worker> worker_;
  std::optional<LeaderElector> elector_;
};

class LeaderElectorTest : public ::testing::Test {
 protected:
  LeaderElectorTest() {
    const auto kubeconfig = dir_.Write("kubeconfig", server_.Kubeconfig());
    access_ = *AccessFromKubeconfig(kubeconfig);
  }
  std::unique_ptr<Replica> Start(const std::string& identity, const LeaseTimes& times) {
    return std::make_unique<Replica>(loop_, access_, identity, times);
  }
  std::unique_ptr<Replica> StartLeading(const std::string& identity, const LeaseTimes& times) {
    auto replica = Start(identity, times);
    EXPECT_TRUE(RunUntil(loop_, [&] { return replica->leads == 1; }));
    return replica;
  }
  bool Release(Replica& replica) {
    bool released = false;
    replica.elector().Release([&] { released = true; });
    return RunUntil(loop_, [&] { return released; });
  }
  int Looks() const { return server_.Count(absl::StrCat("GET ", kPath)); }
  int Renewals() const { return server_.Count(absl::StrCat("PUT ", kPath)); }
  Json Spec() const { return server_.Find(kPath).value_or(Json::object())["spec"]; }

  // Looks often, and does not lose by a machine that is slow.
  const LeaseTimes times_ = *LeaseTimes::Of(seconds(600), seconds(500), milliseconds(5));
  FakeApiServer server_;
  TempDir dir_;
  ClusterAccess access_;
  EventLoop loop_;
};

TEST_F(LeaderElectorTest, OneLeadsAndTheOtherFollowsWhenItGivesBack) {
  const auto first = StartLeading("first_1", times_);
  EXPECT_TRUE(first->elector().leads());
  const auto second = Start("second_2", times_);
  ASSERT_TRUE(RunUntil(loop_, [&] { return !second->elector().holder().empty(); }));
  const int renewals = Renewals();
  ASSERT_TRUE(RunUntil(loop_, [&] { return Renewals() > renewals + 3; }));
  EXPECT_EQ(second->leads, 0);
  EXPECT_EQ(second->elector().holder(), "first_1");
  EXPECT_EQ(Spec()["holderIdentity"], "first_1");
  EXPECT_EQ(Spec()["leaseDurationSeconds"], 600);
  EXPECT_EQ(Spec()["leaseTransitions"], 0);

  ASSERT_TRUE(Release(*first));
  EXPECT_FALSE(first->elector().leads());
  ASSERT_TRUE(RunUntil(loop_, [&] { return second->leads == 1; }));
  EXPECT_TRUE(second->elector().leads());
  EXPECT_EQ(Spec()["holderIdentity"], "second_2");
  EXPECT_EQ(Spec()["leaseTransitions"], 1);
  EXPECT_TRUE(first->lost.ok() && second->lost.ok());
}

TEST_F(LeaderElectorTest, OfTwoThatStartTogetherOneLeads) {
  const auto first = Start("first_1", times_);
  const auto second = Start("second_2", times_);
  ASSERT_TRUE(RunUntil(loop_, [&] { return first->leads + second->leads > 0 && Renewals() > 5; }));
  EXPECT_EQ(first->leads + second->leads, 1);
}

TEST_F(LeaderElectorTest, OneWhoseLeaseIsTakenAwayIsTold) {
  const auto replica = StartLeading("first_1", times_);
  Json lease = *server_.Find(kPath);
  lease["spec"]["holderIdentity"] = "other_9";
  server_.Put(kPath, lease);
  ASSERT_TRUE(RunUntil(loop_, [&] { return !replica->lost.ok(); }));
  EXPECT_EQ(replica->lost.message(),
            "the lease ns/controller was taken away: its holder is now other_9");
  EXPECT_FALSE(replica->elector().leads());
  EXPECT_EQ(Spec()["holderIdentity"], "other_9");
}

TEST_F(LeaderElectorTest, OneThatCannotRenewIsToldWhyAndThatItHasLost) {
  const LeaseTimes impatient = *LeaseTimes::Of(seconds(600), seconds(2), milliseconds(5));
  const auto replica = StartLeading("first_1", impatient);
  server_.Refuse("PUT", 500);
  ASSERT_TRUE(RunUntil(loop_, [&] { return !replica->problem.ok(); }));
  EXPECT_THAT(std::string(replica->problem.message()), ::testing::HasSubstr("as the test wants"));
  ASSERT_TRUE(RunUntil(loop_, [&] { return !replica->lost.ok(); }));
  EXPECT_EQ(replica->lost.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(LeaderElectorTest, OneThatCannotLookStandsByUntilItCan) {
  server_.Refuse("GET", 500);
  const auto replica = Start("first_1", times_);
  ASSERT_TRUE(RunUntil(loop_, [&] { return !replica->problem.ok(); }));
  EXPECT_EQ(replica->leads, 0);
  server_.Refuse("GET", 0);
  ASSERT_TRUE(RunUntil(loop_, [&] { return replica->leads == 1; }));
  EXPECT_TRUE(replica->problem.ok()) << replica->problem;
}

TEST_F(LeaderElectorTest, OneThatNeverHeldTheLeaseGivesNothingBack) {
  const auto first = StartLeading("first_1", times_);
  const auto second = Start("second_2", times_);
  ASSERT_TRUE(RunUntil(loop_, [&] { return second->elector().holder() == "first_1"; }));
  ASSERT_TRUE(Release(*second));
  EXPECT_EQ(Spec()["holderIdentity"], "first_1");
  EXPECT_TRUE(first->elector().leads());
}

TEST_F(LeaderElectorTest, MayBeDestroyedWhileItAsks) {
  server_.Hang(true);
  auto replica = Start("first_1", times_);
  ASSERT_TRUE(RunUntil(loop_, [&] { return Looks() == 1; }));
  replica.reset();
  bool drained = false;
  loop_.Post([&] { drained = true; });
  EXPECT_TRUE(RunUntil(loop_, [&] { return drained; }));
}

}  // namespace
}  // namespace nodedevice::testing
