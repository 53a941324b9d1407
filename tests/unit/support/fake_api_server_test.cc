// What the fake API server does with patches and deletions, as a real one does.

#include "tests/support/fake_api_server.h"

#include <gtest/gtest.h>

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

constexpr char kPath[] = "/apis/example.com/v1/things/one";

class FakeApiServerTest : public ::testing::Test {
 protected:
  FakeApiServerTest() {
    api_.Put(kPath, {{"spec", {{"a", 1}, {"b", 2}}}, {"status", {{"seen", 1}}}});
  }
  Json Object() const { return api_.Find(kPath).value_or(nullptr); }

  FakeApiServer api_;
};

TEST_F(FakeApiServerTest, APatchOfTheObjectLeavesTheStatusAlone) {
  api_.Merge(kPath, {{"spec", {{"a", nullptr}, {"c", 3}}}, {"status", {{"seen", 2}}}});
  EXPECT_EQ(Object()["spec"], Json({{"b", 2}, {"c", 3}}));
  EXPECT_EQ(Object()["status"], Json({{"seen", 1}}));
  EXPECT_EQ(Object()["metadata"]["generation"], 2);
}

TEST_F(FakeApiServerTest, APatchOfTheStatusLeavesTheRestAlone) {
  api_.Merge(std::string(kPath) + "/status",
             {{"spec", {{"a", 5}}}, {"status", {{"conditions", Json::array()}}}});
  EXPECT_EQ(Object()["spec"], Json({{"a", 1}, {"b", 2}}));
  EXPECT_EQ(Object()["status"], Json({{"seen", 1}, {"conditions", Json::array()}}));
  EXPECT_EQ(Object()["metadata"]["generation"], 1);
}

TEST_F(FakeApiServerTest, APatchThatChangesNothingMakesNoNewVersion) {
  const Json before = Object();
  api_.Merge(kPath, {{"spec", {{"a", 1}}}});
  EXPECT_EQ(Object(), before);
}

TEST_F(FakeApiServerTest, AnObjectGoesWithTheLastOfItsFinalizers) {
  api_.Merge(kPath, {{"metadata", {{"finalizers", {"x", "y"}}}}});
  api_.Delete(kPath);
  EXPECT_TRUE(Object()["metadata"].contains("deletionTimestamp"));
  api_.Merge(kPath, {{"metadata", {{"finalizers", {"y"}}}}});
  EXPECT_FALSE(Object().is_null());
  api_.Merge(kPath, {{"metadata", {{"finalizers", Json::array()}}}});
  EXPECT_TRUE(Object().is_null());
  EXPECT_TRUE(api_.In("/apis/example.com/v1/things").empty());
}

TEST_F(FakeApiServerTest, AnObjectWithoutFinalizersGoesAtOnce) {
  api_.Delete(kPath);
  EXPECT_TRUE(Object().is_null());
}

}  // namespace
}  // namespace nodedevice::testing
