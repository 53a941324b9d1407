#include "lib/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace nodedevice {
namespace {

TEST(Utf8Test, MeasuresCharactersOfEveryLength) {
  EXPECT_EQ(Utf8Length("a"), 1u);
  EXPECT_EQ(Utf8Length("\xC3\xA9!"), 2u);
  EXPECT_EQ(Utf8Length("\xE2\x82\xAC!"), 3u);
  EXPECT_EQ(Utf8Length("\xF0\x9F\x98\x80!"), 4u);
}

TEST(Utf8Test, RefusesWhatIsNotACharacter) {
  for (const std::string bytes : {"", "\x80", "\xC3", "\xC3(", "\xE2\x82", "\xFF",
                                  "\xC0\xAF" /* overlong */, "\xE0\x80\x80" /* overlong */,
                                  "\xF0\x80\x80\x80" /* overlong */, "\xED\xA0\x80" /* surrogate */,
                                  "\xF4\x90\x80\x80" /* beyond U+10FFFF */, "\xF5\x80\x80\x80"}) {
    EXPECT_EQ(Utf8Length(bytes), 0u) << ::testing::PrintToString(bytes);
  }
}

TEST(Utf8Test, FindsTheFirstBadByte) {
  EXPECT_EQ(FindInvalidUtf8(""), std::string_view::npos);
  EXPECT_EQ(FindInvalidUtf8("gr\xC3\xBC\xC3\x9F"), std::string_view::npos);
  EXPECT_EQ(FindInvalidUtf8("gr\xC3\xBC\xDF\xDF"), 4u);
}

TEST(Utf8Test, CutsBeforeTheLimitAndBeforeTheFirstBadByte) {
  EXPECT_EQ(Utf8Prefix("gr\xC3\xBC\xC3\x9F", 100), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(Utf8Prefix("gr\xC3\xBC\xC3\x9F", 5), "gr\xC3\xBC");
  EXPECT_EQ(Utf8Prefix("gr\xC3\xBC\xDF", 100), "gr\xC3\xBC");
  EXPECT_EQ(Utf8Prefix("", 5), "");
}

TEST(OneLineTest, MakesOneSpaceOfWhatTerminalsActOn) {
  EXPECT_EQ(OneLine("disk full", 100), "disk full");
  EXPECT_EQ(OneLine("a:\r\n\t b\x1B[31m c\x7F"
                    "d",
                    100),
            "a: b [31m c d");
  EXPECT_EQ(OneLine("a\xC2\x9B"
                    "31m\xC2\xA0\xC3\xBC",
                    100),
            "a 31m\xC2\xA0\xC3\xBC");
  EXPECT_EQ(OneLine(std::string_view("\0a\0\n", 4), 100), "a");
  EXPECT_EQ(OneLine("\n \n", 100), "");
}

TEST(OneLineTest, ShowsThatABytesMeaningIsNotKnown) {
  EXPECT_EQ(OneLine("a\xFF"
                    "b\xC3",
                    100),
            "a?b?");
}

TEST(OneLineTest, ShowsWhereItWasCut) {
  EXPECT_EQ(OneLine("abcdef", 6), "abcdef");
  EXPECT_EQ(OneLine("abcdefg", 6), "abc...");
  EXPECT_EQ(OneLine("abcdef\n\n", 6), "abcdef");
  EXPECT_EQ(OneLine("ab\xC3\xBC"
                    "efg",
                    6),
            "ab...");  // not half of the character
  EXPECT_EQ(OneLine("abcdefg", 3), "...");
}

}  // namespace
}  // namespace nodedevice
