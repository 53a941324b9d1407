#include "lib/mco/label_selector.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;

const Labels kLabels = {{"role", "worker"}, {"zone", "b"}, {"pools.example/worker", ""}};

bool Selects(const std::string& selector) {
  return LabelSelector(json::parse(selector)).Selects(kLabels);
}

bool SelectsExpression(const std::string& expression) {
  return Selects("{\"matchExpressions\": [" + expression + "]}");
}

TEST(LabelSelectorTest, OneThatIsAbsentSelectsNothingAndAnEmptyOneEverything) {
  EXPECT_FALSE(Selects("null"));
  EXPECT_FALSE(LabelSelector(nullptr).is_empty());
  for (const char* empty : {"{}", R"({"matchLabels": {}})", R"({"matchExpressions": []})",
                            R"({"matchLabels": null, "matchExpressions": null})"}) {
    EXPECT_TRUE(Selects(empty)) << empty;
    EXPECT_TRUE(LabelSelector(json::parse(empty)).is_empty()) << empty;
    EXPECT_TRUE(LabelSelector(json::parse(empty)).Selects({})) << empty;
  }
}

TEST(LabelSelectorTest, EveryLabelAndEveryExpressionMustMatch) {
  EXPECT_TRUE(Selects(R"({"matchLabels": {"role": "worker"}})"));
  EXPECT_TRUE(Selects(R"({"matchLabels": {"pools.example/worker": ""}})"));
  EXPECT_TRUE(Selects(R"({"matchLabels": {"role": "worker", "zone": "b"}})"));
  EXPECT_FALSE(Selects(R"({"matchLabels": {"role": "worker", "zone": "a"}})"));
  EXPECT_FALSE(Selects(R"({"matchLabels": {"rank": ""}})"));
  EXPECT_FALSE(Selects(R"({"matchLabels": {"role": "worker"},
                           "matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]})"));
  EXPECT_FALSE(LabelSelector(json::parse(R"({"matchLabels": {"a": "b"}})")).is_empty());
}

TEST(LabelSelectorTest, KnowsTheFourOperators) {
  EXPECT_TRUE(SelectsExpression(R"({"key": "zone", "operator": "In", "values": ["a", "b"]})"));
  EXPECT_FALSE(SelectsExpression(R"({"key": "zone", "operator": "In", "values": ["a"]})"));
  EXPECT_FALSE(SelectsExpression(R"({"key": "rank", "operator": "In", "values": ["a"]})"));
  EXPECT_TRUE(SelectsExpression(R"({"key": "zone", "operator": "NotIn", "values": ["a"]})"));
  EXPECT_FALSE(SelectsExpression(R"({"key": "zone", "operator": "NotIn", "values": ["b"]})"));
  EXPECT_TRUE(SelectsExpression(R"({"key": "rank", "operator": "NotIn", "values": ["b"]})"));
  EXPECT_TRUE(SelectsExpression(R"({"key": "zone", "operator": "Exists"})"));
  EXPECT_TRUE(SelectsExpression(R"({"key": "zone", "operator": "Exists", "values": []})"));
  EXPECT_FALSE(SelectsExpression(R"({"key": "rank", "operator": "Exists"})"));
  EXPECT_FALSE(SelectsExpression(R"({"key": "zone", "operator": "DoesNotExist"})"));
  EXPECT_TRUE(SelectsExpression(R"({"key": "rank", "operator": "DoesNotExist"})"));
}

TEST(LabelSelectorTest, OneThatTheApiDoesNotAllowSelectsNothing) {
  for (
      const char* wrong :
      {"7", "\"role\"", "[]", "true", R"({"matchLabels": ["role"]})",
       R"({"matchLabels": {"role": 7}})", R"({"matchExpressions": {}})",
       R"({"matchExpressions": "x"})", R"({"matchExpressions": [7]})",
       R"({"matchExpressions": [{}]})",
       R"({"matchExpressions": [{"key": "", "operator": "DoesNotExist"}]})",
       R"({"matchExpressions": [{"key": "rank", "operator": "Lacks"}]})",
       R"({"matchExpressions": [{"key": "rank", "operator": "NotIn"}]})",
       R"({"matchExpressions": [{"key": "rank", "operator": "NotIn", "values": []}]})",
       R"({"matchExpressions": [{"key": "rank", "operator": "NotIn", "values": [7]}]})",
       R"({"matchExpressions": [{"key": "rank", "operator": "NotIn", "values": {"a": "b"}}]})",
       R"({"matchExpressions": [{"key": "rank", "operator": "DoesNotExist", "values": ["a"]}]})"}) {
    EXPECT_FALSE(Selects(wrong)) << wrong;
    EXPECT_FALSE(LabelSelector(json::parse(wrong)).is_empty()) << wrong;
  }
}

TEST(LabelsOfTest, AreTheTextsAmongThem) {
  EXPECT_EQ(LabelsOf(json::parse(R"({"metadata": {"labels": {"a": "b", "c": 7, "d": ""}}})")),
            (Labels{{"a", "b"}, {"d", ""}}));
  for (const char* none : {"null", "7", "[]", "{}", R"({"metadata": {"labels": ["a"]}})"}) {
    EXPECT_TRUE(LabelsOf(json::parse(none)).empty()) << none;
  }
}

}  // namespace
}  // namespace nodedevice
