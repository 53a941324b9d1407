#include "lib/metrics/access.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

const AccessRules kRules = {.client_names = {"prometheus", "admin"}};

Access Decide(const std::string& path, const std::optional<std::string>& certificate_name,
              const std::optional<std::string>& token = std::nullopt) {
  return DecideAccess(kRules, {.path = path, .bearer_token = token}, certificate_name);
}

TEST(AccessTest, ProbesNeedNoAuthorisation) {
  EXPECT_EQ(Decide("/healthz", std::nullopt), Access::kGranted);
  EXPECT_EQ(Decide("/readyz", "somebody"), Access::kGranted);
}

TEST(AccessTest, EveryOtherPathDoes) {
  for (const char* path : {"/metrics", "/", "/nothing", "/healthz/", "/readyz/x"}) {
    EXPECT_EQ(Decide(path, std::nullopt), Access::kUnauthenticated) << path;
  }
}

TEST(AccessTest, ACertificateDecidesByItsName) {
  EXPECT_EQ(Decide("/metrics", "prometheus"), Access::kGranted);
  EXPECT_EQ(Decide("/metrics", "admin"), Access::kGranted);
  EXPECT_EQ(Decide("/metrics", "Prometheus"), Access::kForbidden);
  EXPECT_EQ(Decide("/metrics", ""), Access::kForbidden);
  EXPECT_EQ(Decide("/metrics", "somebody", "token"), Access::kForbidden);
}

TEST(AccessTest, ATokenIsReviewed) {
  EXPECT_EQ(Decide("/metrics", std::nullopt, "token"), Access::kReview);
}

TEST(AccessTest, AVerdictIsGrantedOnlyWhenBothHold) {
  EXPECT_EQ(DecideAccess({.authenticated = true, .allowed = true}), Access::kGranted);
  EXPECT_EQ(DecideAccess({.authenticated = true, .allowed = false}), Access::kForbidden);
  EXPECT_EQ(DecideAccess({.authenticated = false, .allowed = true}), Access::kUnauthenticated);
  EXPECT_EQ(DecideAccess(TokenVerdict{}), Access::kUnauthenticated);
}

TEST(AccessTest, ARefusalSaysWhatToDo) {
  EXPECT_EQ(Unauthenticated().status, 401);
  EXPECT_THAT(Unauthenticated().body, HasSubstr("bearer token"));
  EXPECT_EQ(Forbidden("bob").status, 403);
  EXPECT_THAT(Forbidden("bob").body, HasSubstr("bob may not read this"));
  EXPECT_EQ(NotReviewed(absl::UnavailableError("no API server")).status, 503);
  EXPECT_THAT(NotReviewed(absl::UnavailableError("no API server")).body,
              HasSubstr("no API server"));
}

}  // namespace
}  // namespace nodedevice::testing
