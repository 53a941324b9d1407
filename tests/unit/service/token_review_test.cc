#include "lib/service/token_review.h"

#include <future>

#include "gmock/gmock.h"
#include "tests/unit/agent/api_fixture.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kTokens[] = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr char kAccess[] = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

class TokenReviewTest : public ApiTest {
 protected:
  TokenReviewTest() {
    server_.AnswerPost(kTokens, [this](const json& review) {
      asked_.push_back(review);
      return token_answer_;
    });
    server_.AnswerPost(kAccess, [this](const json& review) {
      asked_.push_back(review);
      return json{{"status", {{"allowed", review["spec"]["user"] == "prometheus"}}}};
    });
  }
  void Authenticate(const std::string& user) {
    token_answer_ = {{"status",
                      {{"authenticated", true},
                       {"user",
                        {{"username", user},
                         {"uid", "u1"},
                         {"groups", {"g1", "g2"}},
                         {"extra", {{"pod", {"p"}}}}}}}}};
  }
  absl::StatusOr<TokenVerdict> Review(const std::string& token) {
    std::promise<absl::StatusOr<TokenVerdict>> verdict;
    MakeTokenReviewer(*worker_, *client_)(
        token, [&](const absl::StatusOr<TokenVerdict>& result) { verdict.set_value(result); });
    return verdict.get_future().get();
  }

  json token_answer_ = {{"status", {{"authenticated", false}}}};
  std::vector<json> asked_;  // read after the answer only
};

TEST_F(TokenReviewTest, LetsInAUserWhoMayGetMetrics) {
  Authenticate("prometheus");
  const absl::StatusOr<TokenVerdict> verdict = Review("secret");
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_TRUE(verdict->authenticated);
  EXPECT_TRUE(verdict->allowed);
  EXPECT_EQ(verdict->user, "prometheus");
  ASSERT_EQ(asked_.size(), 2u);
  EXPECT_EQ(asked_[0], json::parse(R"({"apiVersion": "authentication.k8s.io/v1",
      "kind": "TokenReview", "spec": {"token": "secret"}})"));
  EXPECT_EQ(asked_[1], json::parse(R"({"apiVersion": "authorization.k8s.io/v1",
      "kind": "SubjectAccessReview",
      "spec": {"user": "prometheus", "uid": "u1", "groups": ["g1", "g2"], "extra": {"pod": ["p"]},
               "nonResourceAttributes": {"path": "/metrics", "verb": "get"}}})"));
}

TEST_F(TokenReviewTest, KnowsAUserWhoMayNot) {
  Authenticate("nobody");
  const absl::StatusOr<TokenVerdict> verdict = Review("secret");
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_TRUE(verdict->authenticated);
  EXPECT_FALSE(verdict->allowed);
  EXPECT_EQ(verdict->user, "nobody");
}

TEST_F(TokenReviewTest, AWrongTokenIsNobodysAndNothingMoreIsAsked) {
  const absl::StatusOr<TokenVerdict> verdict = Review("wrong");
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_FALSE(verdict->authenticated);
  EXPECT_FALSE(verdict->allowed);
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(TokenReviewTest, ATokenThatNoJsonCanHoldIsNobodysAndHarmsNobody) {
  const absl::StatusOr<TokenVerdict> verdict = Review("\xff\xfe");
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_FALSE(verdict->authenticated);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(TokenReviewTest, AnAnswerThatMakesNoSenseLetsNobodyIn) {
  for (const char* answer :
       {"{}", "[]", R"({"status": 7})", R"({"status": {"authenticated": "true"}})"}) {
    token_answer_ = json::parse(answer);
    const absl::StatusOr<TokenVerdict> verdict = Review("secret");
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_FALSE(verdict->authenticated) << answer;
  }
  token_answer_ = json::parse(R"({"status": {"authenticated": true, "user": 7}})");
  EXPECT_THAT(Review("secret").status().message(), HasSubstr("names no user"));
}

TEST_F(TokenReviewTest, SaysWhenNobodyCouldBeAsked) {
  server_.Refuse("POST", 503);
  EXPECT_TRUE(absl::IsUnavailable(Review("secret").status()));
  server_.Refuse("POST", 0);
  Authenticate("prometheus");
  server_.Refuse(std::string("POST ") + kAccess, 403);
  EXPECT_TRUE(absl::IsPermissionDenied(Review("secret").status()));
}

}  // namespace
}  // namespace nodedevice::testing
