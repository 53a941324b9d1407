#include "plugin/discovery/path_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

PathRule Rule(const std::string& pattern) {
  PathRule rule;
  rule.pattern = pattern;
  return rule;
}

PathRule Optional(const std::string& pattern) {
  PathRule rule = Rule(pattern);
  rule.optional = true;
  return rule;
}

using Matches = std::vector<std::vector<GlobMatch>>;

// "key: path path", one a member.
std::vector<std::string> Members(const GroupResult& result) {
  std::vector<std::string> lines;
  for (const GroupMember& member : result.members) {
    std::string line = member.key + ":";
    for (const auto& part : member.parts) line += " " + part.host_path;
    lines.push_back(line);
  }
  return lines;
}

TEST(CombineGroupTest, EachMatchOfOnePatternIsADevice) {
  const GroupResult result =
      CombineGroup({Rule("/d/t*")}, Matches{{{"/d/t0", {"0"}}, {"/d/t1", {"1"}}}});
  EXPECT_THAT(Members(result), ElementsAre("0: /d/t0", "1: /d/t1"));
  EXPECT_THAT(result.notes, IsEmpty());
}

TEST(CombineGroupTest, PatternsArePairedByWhatTheirWildcardsMatched) {
  const GroupResult result =
      CombineGroup({Rule("/d/c*"), Rule("/d/h*")},
                   Matches{{{"/d/c0", {"0"}}, {"/d/c1", {"1"}}}, {{"/d/h1", {"1"}}}});
  // Card 0 lost its second node: card 1 must not get mixed up with it.
  EXPECT_THAT(Members(result), ElementsAre("1: /d/c1 /d/h1"));
  EXPECT_THAT(result.notes, ElementsAre("'0' has no counterpart among /d/h*"));
}

TEST(CombineGroupTest, LiteralPathsGoTogether) {
  EXPECT_THAT(
      Members(CombineGroup({Rule("/d/a"), Rule("/d/b")}, Matches{{{"/d/a", {}}}, {{"/d/b", {}}}})),
      ElementsAre(": /d/a /d/b"));
}

TEST(CombineGroupTest, AMissingRequiredPathMakesNoDeviceAndANote) {
  const GroupResult result =
      CombineGroup({Rule("/d/a"), Rule("/d/b*")}, Matches{{}, {{"/d/b1", {"1"}}}});
  EXPECT_THAT(Members(result), IsEmpty());
  EXPECT_THAT(result.notes, ElementsAre("/d/a does not exist"));
  EXPECT_THAT(CombineGroup({Rule("/d/b*")}, Matches{{}}).notes,
              ElementsAre("nothing matches /d/b*"));
}

TEST(CombineGroupTest, ALiteralBesideAPatternServesAsManyAsItsLimit) {
  PathRule shared = Rule("/d/ctl");
  const Matches matches = {{{"/d/ctl", {}}},
                           {{"/d/t0", {"0"}}, {"/d/t1", {"1"}}, {"/d/t2", {"2"}}}};
  EXPECT_THAT(Members(CombineGroup({shared, Rule("/d/t*")}, matches)),
              ElementsAre("0: /d/ctl /d/t0"));
  shared.limit = 2;
  const GroupResult result = CombineGroup({shared, Rule("/d/t*")}, matches);
  EXPECT_THAT(Members(result), ElementsAre("0: /d/ctl /d/t0", "1: /d/ctl /d/t1"));
  EXPECT_THAT(result.notes,
              ElementsAre("1 more would match, but a path without wildcards has limit 2"));
}

TEST(CombineGroupTest, OptionalPathsJoinWhereTheyExist) {
  EXPECT_THAT(
      Members(CombineGroup({Rule("/d/t*"), Optional("/d/m*")},
                           Matches{{{"/d/t0", {"0"}}, {"/d/t1", {"1"}}}, {{"/d/m1", {"1"}}}})),
      ElementsAre("0: /d/t0", "1: /d/t1 /d/m1"));
  EXPECT_THAT(
      Members(CombineGroup({Rule("/d/t*"), Optional("/d/x")}, Matches{{{"/d/t0", {"0"}}}, {}})),
      ElementsAre("0: /d/t0"));
}

TEST(CombineGroupTest, AnOptionalLiteralIsGivenUpToItsLimitAndCutsNobodyOff) {
  EXPECT_THAT(Members(CombineGroup({Rule("/d/t*"), Optional("/d/x")},
                                   Matches{{{"/d/t0", {"0"}}, {"/d/t1", {"1"}}}, {{"/d/x", {}}}})),
              ElementsAre("0: /d/t0 /d/x", "1: /d/t1"));
}

TEST(CombineGroupTest, AnOptionalPatternBesideLiteralsAddsAllItMatches) {
  EXPECT_THAT(
      Members(CombineGroup({Rule("/d/ctl"), Optional("/d/n*")},
                           Matches{{{"/d/ctl", {}}}, {{"/d/n0", {"0"}}, {"/d/n1", {"1"}}}})),
      ElementsAre(": /d/ctl /d/n0 /d/n1"));
}

TEST(CombineGroupTest, MembersAreInNaturalOrder) {
  EXPECT_THAT(
      Members(CombineGroup({Rule("/d/t*")}, Matches{{{"/d/t10", {"10"}}, {"/d/t9", {"9"}}}})),
      ElementsAre("9: /d/t9", "10: /d/t10"));
}

}  // namespace
}  // namespace nodedevice
