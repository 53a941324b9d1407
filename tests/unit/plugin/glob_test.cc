#include "plugin/discovery/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

struct Case {
  std::string pattern;
  std::string text;
  std::optional<std::vector<std::string>> captures;  // nullopt: no match
};

class MatchPartTest : public ::testing::TestWithParam<Case> {};

TEST_P(MatchPartTest, MatchesAndCaptures) {
  const Case& c = GetParam();
  std::vector<std::string> captures = {"kept"};
  EXPECT_EQ(MatchPart(c.pattern, c.text, &captures), c.captures.has_value());
  std::vector<std::string> expected = {"kept"};
  if (c.captures) expected.insert(expected.end(), c.captures->begin(), c.captures->end());
  EXPECT_EQ(captures, expected);
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, MatchPartTest,
    ::testing::Values(Case{"abc", "abc", {{}}}, Case{"abc", "abd", {}}, Case{"abc", "ab", {}},
                      Case{"ab", "abc", {}}, Case{"ttyUSB*", "ttyUSB12", {{"12"}}},
                      Case{"ttyUSB*", "ttyUSB", {{""}}}, Case{"ttyUSB*", "ttyS0", {}},
                      Case{"*", "", {{""}}}, Case{"a*b*c", "axxbyyc", {{"xx", "yy"}}},
                      Case{"a*b*c", "abbc", {{"", "b"}}}, Case{"a*b", "abab", {{"ba"}}},
                      Case{"?x", "ax", {{"a"}}}, Case{"?x", "x", {}},
                      Case{"loop[0-9]", "loop7", {{"7"}}}, Case{"loop[0-9]", "loopx", {}},
                      Case{"loop[0-9]*", "loop12", {{"1", "2"}}}, Case{"[!a]", "b", {{"b"}}},
                      Case{"[!a]", "a", {}}, Case{"[^a]", "a", {}}, Case{"[]a]", "]", {{"]"}}},
                      Case{"[a-]", "-", {{"-"}}}, Case{"[abc", "a", {{"a"}}},
                      Case{"*[0-9]", "a1b2", {{"a1b", "2"}}}, Case{"**", "ab", {{"", "ab"}}}));

TEST(MatchPartTest, StaysFastOnHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "a*";
  EXPECT_FALSE(MatchPart(pattern + "b", std::string(250, 'a'), nullptr));
}

class ExpandGlobTest : public ::testing::Test {
 protected:
  std::vector<std::string> Expand(const std::string& pattern) {
    directories_.clear();
    std::vector<std::string> paths;
    for (const GlobMatch& match : ExpandGlob(HostRoot(node_.path()), pattern, &directories_)) {
      paths.push_back(match.host_path);
    }
    return paths;
  }
  testing::TempDir node_;
  std::set<std::filesystem::path> directories_;
};

TEST_F(ExpandGlobTest, FindsAndTellsWhereItLooked) {
  for (const char* name : {"dev/tty10", "dev/tty2", "dev/tty1", "dev/.tty3", "dev/other"}) {
    node_.MakeNode(name);
  }
  EXPECT_THAT(Expand("/dev/tty*"), UnorderedElementsAre("/dev/tty1", "/dev/tty2", "/dev/tty10"));
  EXPECT_THAT(directories_, ElementsAre(node_.path() / "dev"));
}

TEST_F(ExpandGlobTest, WildcardsInSeveralParts) {
  node_.MakeNode("dev/bus/usb/001/004");
  node_.MakeNode("dev/bus/usb/002/001");
  EXPECT_THAT(Expand("/dev/bus/usb/*/00?"),
              UnorderedElementsAre("/dev/bus/usb/001/004", "/dev/bus/usb/002/001"));
  EXPECT_THAT(directories_,
              UnorderedElementsAre(node_.path() / "dev/bus/usb", node_.path() / "dev/bus/usb/001",
                                   node_.path() / "dev/bus/usb/002"));
}

TEST_F(ExpandGlobTest, AMissingFolderIsToBeWatchedToo) {
  EXPECT_THAT(Expand("/dev/dri/renderD*"), ElementsAre());
  EXPECT_THAT(directories_, ElementsAre(node_.path() / "dev/dri"));
}

TEST_F(ExpandGlobTest, LiteralPathsAreLookedUp) {
  node_.MakeNode("dev/fuse");
  EXPECT_THAT(Expand("/dev/fuse"), ElementsAre("/dev/fuse"));
  EXPECT_THAT(Expand("/dev/kvm"), ElementsAre());
  EXPECT_THAT(directories_, ElementsAre(node_.path() / "dev"));
}

}  // namespace
}  // namespace nodedevice
