#include "devicemanager/conformance/rule.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/architecture/source_tree.h"
#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

TEST(ConformanceRuleTest, EveryRuleHoldsForAGoodPlugin) {
  for (const Finding& finding : Judge(Good())) {
    EXPECT_EQ(finding.judgement.verdict, Verdict::kPass)
        << finding.rule->name << ": " << finding.judgement.seen;
    EXPECT_FALSE(finding.judgement.seen.empty()) << finding.rule->name;
  }
}

TEST(ConformanceRuleTest, OfNothingNothingIsSaid) {
  for (const Finding& finding : Judge(Observation())) {
    EXPECT_EQ(finding.judgement.verdict, Verdict::kNotApplicable) << finding.rule->name;
    EXPECT_FALSE(finding.judgement.seen.empty()) << finding.rule->name;
  }
}

TEST(ConformanceRuleTest, NamesAreUniqueAndBeginWithTheirTopic) {
  std::set<std::string_view> names;
  for (const Rule& rule : AllRules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    EXPECT_NE(rule.name.find('/'), std::string_view::npos) << rule.name;
    EXPECT_TRUE(rule.law.ends_with('.')) << rule.name;
  }
  const std::vector<std::string_view> topics = AllTopics();
  EXPECT_EQ(std::set<std::string_view>(topics.begin(), topics.end()).size(), topics.size())
      << "the rules of a topic stand together";
}

TEST(ConformanceRuleTest, ThePluginsOwnWordsCannotBreakALine) {
  Observation seen = Good();
  seen.allocations[0].outcome = Refused("one\ntwo\x1b[2J\xff" + std::string(2000, 'x'));
  const std::string told = JudgedBy("allocate/succeeds", seen).seen;
  EXPECT_EQ(told.find_first_of("\n\x1b\xff"), std::string::npos);
  EXPECT_LT(told.size(), 1000u);
}

// | `register/version` | must | holds when | because |
TEST(ConformanceRuleTest, TheDocumentListsTheSameRulesInTheSameOrder) {
  std::vector<std::string> documented;
  bool in_table = false;
  for (const std::string& line : testing::LinesOf(testing::SourceRoot() / "docs/conformance.md")) {
    if (line.starts_with("| rule |")) in_table = true;
    if (!line.starts_with("|")) in_table = false;
    if (!in_table || !line.starts_with("| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    ASSERT_EQ(cells.size(), 4u) << line;
    EXPECT_FALSE(cells[2].empty()) << line;
    documented.push_back(absl::StrCat(cells[0], " | ", cells[1], " | ", cells[3]));
  }
  std::vector<std::string> in_code;
  for (const Rule& rule : AllRules()) {
    in_code.push_back(absl::StrCat("| `", std::string(rule.name), "` | ",
                                   rule.severity == Severity::kMust ? "must" : "should", " | ",
                                   std::string(rule.law), " |"));
  }
  EXPECT_EQ(documented, in_code);
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
