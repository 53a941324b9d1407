#include "controller/api_writes.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/api_error.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

TEST(ApiWritesTest, FollowTheOrderOfThePlan) {
  Plan plan;
  plan.remove = {{.kind = "DaemonSet", .name_space = "ns", .name = "old", .uid = "u1"}};
  plan.apply = {
      {.object = {{"kind", "DaemonSet"}, {"metadata", {{"namespace", "ns"}, {"name", "new"}}}}}};
  plan.node_patches = {{.node = "w1", .patch = Json::object()}};
  plan.statuses = {{{"kind", "DevicePluginConfig"}, {"metadata", {{"name", "shop"}}}}};
  const std::vector<ApiWrite> writes = WritesOf(plan);
  ASSERT_EQ(writes.size(), 4u);
  EXPECT_EQ(writes[0].object, "DaemonSet ns/old");
  EXPECT_EQ(Describe(writes[0]), "removed DaemonSet ns/old");
  EXPECT_EQ(writes[1].object, "DaemonSet ns/new");
  EXPECT_EQ(Describe(writes[1]), "applied DaemonSet ns/new");
  EXPECT_EQ(writes[2].object, "Node w1");
  EXPECT_EQ(Describe(writes[2]), "set the taints of Node w1");
  EXPECT_EQ(writes[3].object, "status of DevicePluginConfig shop");
  EXPECT_EQ(KindOf(writes[0]), "DaemonSet");
  EXPECT_EQ(VerbOf(writes[3]), "apply_status");
}

TEST(ApiWritesTest, OnlyWhatTheApiRefusesIsARefusal) {
  const ApiWrite ours = {"x", Apply{}};
  for (const int code : {400, 403, 404, 422, 500}) {
    EXPECT_THAT(RefusalOf(ours, ErrorOfAnswer("PATCH /x", code, "no")), ::testing::HasSubstr("no"))
        << code;
  }
  for (const int code : {401, 409, 410, 429, 502, 503, 504}) {
    EXPECT_EQ(RefusalOf(ours, ErrorOfAnswer("PATCH /x", code, "no")), "") << code;
  }
  // Whose a field is, nobody decides but people.
  const ApiWrite theirs = {"x", Apply{.object = {}, .force = false}};
  EXPECT_THAT(RefusalOf(theirs, ErrorOfAnswer("PATCH /x", 409, "no")), ::testing::HasSubstr("no"));
  EXPECT_EQ(RefusalOf(ours, absl::UnavailableError("connection refused")), "");
  EXPECT_EQ(RefusalOf(ours, absl::OkStatus()), "");
}

}  // namespace
}  // namespace nodedevice::testing
