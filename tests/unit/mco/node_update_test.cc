#include "lib/mco/node_update.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using Kind = NodeUpdate::Kind;

NodeUpdate Update(const std::string& state, const std::string& current, const std::string& desired,
                  const std::string& reason = "") {
  const std::string domain = "machineconfiguration.openshift.io/";
  return UpdateOf({{"metadata",
                    {{"annotations",
                      {{domain + "state", state},
                       {domain + "currentConfig", current},
                       {domain + "desiredConfig", desired},
                       {domain + "reason", reason}}}}}});
}

TEST(NodeUpdateTest, ANodeThatHasWhatItIsToHaveIsNotUpdated) {
  EXPECT_EQ(Update("Done", "a", "a"),
            (NodeUpdate{.kind = Kind::kNone, .state = "Done", .current = "a", .desired = "a"}));
}

TEST(NodeUpdateTest, ANodeIsUpdatedWhileItsDaemonWorksOrHasSomethingToDo) {
  EXPECT_EQ(
      Update("Working", "a", "b"),
      (NodeUpdate{.kind = Kind::kUpdating, .state = "Working", .current = "a", .desired = "b"}));
  EXPECT_EQ(Update("Rebooting", "a", "b").kind, Kind::kUpdating);
  EXPECT_EQ(Update("Working", "a", "a").kind, Kind::kUpdating);
  EXPECT_EQ(Update("Done", "a", "b").kind, Kind::kUpdating);
  EXPECT_EQ(Update("", "", "b").kind, Kind::kUpdating);
}

TEST(NodeUpdateTest, AFailureHasAReason) {
  const NodeUpdate failed = Update("Degraded", "a", "b", "disk full");
  EXPECT_EQ(failed.kind, Kind::kFailed);
  EXPECT_EQ(failed.reason, "disk full");
  EXPECT_EQ(Update("Unreconcilable", "a", "b").kind, Kind::kFailed);
  // What the reason says of an earlier failure is no news.
  EXPECT_EQ(Update("Working", "a", "b", "disk full").reason, "");
}

TEST(NodeUpdateTest, ANodeWithoutADaemonIsNotUpdated) {
  EXPECT_EQ(UpdateOf(json::object()), NodeUpdate());
  EXPECT_EQ(UpdateOf(json::parse(R"({"metadata": {"annotations": [7]}})")), NodeUpdate());
  EXPECT_EQ(
      UpdateOf(json::parse(
          R"({"metadata": {"annotations": {"machineconfiguration.openshift.io/state": 7}}})")),
      NodeUpdate());
}

}  // namespace
}  // namespace nodedevice
