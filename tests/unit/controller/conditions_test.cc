#include "controller/conditions.h"

#include "gtest/gtest.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using nlohmann::json;

const WallSeconds kThen = ReadApiTime("2026-01-01T00:00:00Z");
const WallSeconds kNow = ReadApiTime("2026-01-02T00:00:00Z");

std::string Since(Truth before, Truth after) {
  const json previous = {
      {"conditions", RenderConditions({{.type = "A", .status = before}}, nullptr, 1, kThen)}};
  return TextAt(RenderConditions({{.type = "A", .status = after}}, previous, 2, kNow),
                "/0/lastTransitionTime");
}

TEST(ConditionsTest, TheTimeMovesWithTheStatusOnly) {
  EXPECT_EQ(Since(Truth::kTrue, Truth::kTrue), ApiTime(kThen));
  EXPECT_EQ(Since(Truth::kTrue, Truth::kFalse), ApiTime(kNow));
  EXPECT_EQ(Since(Truth::kUnknown, Truth::kTrue), ApiTime(kNow));
}

TEST(ConditionsTest, OneThatIsNewBeginsNow) {
  const json rendered = RenderConditions(
      {{.type = "A", .status = Truth::kFalse, .reason = "R", .message = "a\nb"}},
      json::parse(R"({"conditions": [{"type": "A", "status": "False"}]})"), 3, kNow);
  EXPECT_EQ(rendered[0], json::parse(R"({"type": "A", "status": "False", "reason": "R",
      "message": "a b", "observedGeneration": 3, "lastTransitionTime": "2026-01-02T00:00:00Z"})"));
}

TEST(ConditionsTest, FindsOneByItsType) {
  const json status = json::parse(R"({"conditions": [7, {"type": "A"}]})");
  EXPECT_EQ(ConditionOf(status, "A"), status["conditions"][1]);
  EXPECT_TRUE(ConditionOf(status, "B").is_null());
  EXPECT_TRUE(ConditionOf(nullptr, "A").is_null());
}

}  // namespace
}  // namespace nodedevice
