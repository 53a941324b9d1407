#include "agent/snapshot.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/sample_snapshot.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

KubeletReport Report() {
  KubeletReport report;
  report.resources = {{"example.com/kvm", {.accepted = 4, .allocated = 1}},
                      {"other.example/gpu", {.accepted = 8, .allocated = 8}}};
  report.holders = {{.namespace_name = "a",
                     .pod = "p",
                     .container = "c",
                     .resource = "example.com/kvm",
                     .count = 1,
                     .devices = {"kvm0"}},
                    {.namespace_name = "a",
                     .pod = "p",
                     .container = "c",
                     .resource = "other.example/gpu",
                     .count = 8,
                     .devices = {}}};
  return report;
}

TEST(ViewOfTest, ShowsOurResourcesOnlyAndAllOfThem) {
  const KubeletReport report = Report();
  const KubeletView view = ViewOf(&report, HealthyNode());
  EXPECT_TRUE(view.fresh);
  EXPECT_THAT(view.resources,
              ElementsAre(Pair("example.com/kvm", ResourceUse{.accepted = 4, .allocated = 1}),
                          Pair("vendor.example/thing", ResourceUse{})));
  EXPECT_THAT(view.holders, ElementsAre(report.holders[0]));
}

TEST(ViewOfTest, NothingIsKnownBeforeAnAnswerAndAfterAnError) {
  EXPECT_EQ(ViewOf(nullptr, HealthyNode()), KubeletView());
  const KubeletReport failed = {.error = "Connection refused"};
  const KubeletView view = ViewOf(&failed, HealthyNode());
  EXPECT_FALSE(view.fresh);
  EXPECT_EQ(view.error, "Connection refused");
  EXPECT_THAT(view.resources, IsEmpty());
}

TEST(ViewOfTest, ADeviceManagerThatIsDownSaysNothing) {
  Snapshot snapshot = HealthyNode();
  snapshot.device_manager.up = false;
  const KubeletReport report = Report();
  const KubeletView view = ViewOf(&report, snapshot);
  EXPECT_FALSE(view.fresh);
  EXPECT_EQ(view.error, "the Device Manager is down");
  EXPECT_THAT(view.resources, IsEmpty());
  EXPECT_THAT(view.holders, IsEmpty());
}

}  // namespace
}  // namespace nodedevice::testing
