#include "lib/base/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Parse(std::string_view text) {
  const absl::StatusOr<json> value = ParseYaml(text);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *value : json("(error)");
}

std::string ErrorOf(std::string_view text) {
  const absl::StatusOr<json> value = ParseYaml(text);
  EXPECT_FALSE(value.ok()) << value->dump();
  return value.ok() ? "" : std::string(value.status().message());
}

std::string Repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

struct Scalar {
  std::string text;
  json value;
};

TEST(YamlTest, ScalarsAreTypedByTheCoreSchema) {
  const Scalar scalars[] = {

      Scalar{"text", "text"},
      Scalar{"two words", "two words"},
      Scalar{"", nullptr},
      Scalar{"~", nullptr},
      Scalar{"null", nullptr},
      Scalar{"NULL", nullptr},
      Scalar{"nULL", "nULL"},
      Scalar{"true", true},
      Scalar{"True", true},
      Scalar{"FALSE", false},
      Scalar{"yes", "yes"},
      Scalar{"on", "on"},
      Scalar{"0", 0},
      Scalar{"-17", -17},
      Scalar{"+17", 17},
      Scalar{"017", 17},
      Scalar{"0x1a86", 0x1a86},
      Scalar{"0o17", 15},
      Scalar{"0x", "0x"},
      Scalar{"0x-5", "0x-5"},
      Scalar{"+-5", "+-5"},
      Scalar{"1a86", "1a86"},
      Scalar{"9223372036854775807", std::int64_t{9223372036854775807}},
      Scalar{"9223372036854775808", 9223372036854775808.0},
      Scalar{"1.5", 1.5},
      Scalar{"-.5", -.5},
      Scalar{"1e3", 1000.0},
      Scalar{".inf", ".inf"},
      Scalar{".nan", ".nan"},
      Scalar{"1e999", "1e999"},
      Scalar{"1-2", "1-2"},
      Scalar{"8086:1572", "8086:1572"},
      Scalar{"2026-01-02", "2026-01-02"},
      Scalar{"\"12\"", "12"},
      Scalar{"'true'", "true"},
      Scalar{"\"\"", ""},
      Scalar{"'null'", "null"},
      Scalar{"!!str 12", "12"},
      Scalar{"\"\\u00e9\"", "\xC3\xA9"},
      Scalar{"|\n  one\n  two\n", "one\ntwo\n"},
      Scalar{">\n  one\n  two\n", "one two\n"}};
  for (const Scalar& scalar : scalars) {
    const json value = Parse("key: " + scalar.text).value("key", json("(none)"));
    EXPECT_EQ(value, scalar.value) << scalar.text;
    EXPECT_EQ(value.type(), scalar.value.type()) << scalar.text;
  }
}

TEST(YamlTest, ReadsNestedListsAndMaps) {
  EXPECT_EQ(Parse("a:\n- b: [1, {c: d}]\n- e\n# comment\nf: {}\ng: []\n"),
            json::parse(R"({"a": [{"b": [1, {"c": "d"}]}, "e"], "f": {}, "g": []})"));
}

TEST(YamlTest, AnEmptyDocumentIsNull) {
  EXPECT_EQ(Parse(""), nullptr);
  EXPECT_EQ(Parse("# only a comment\n"), nullptr);
  EXPECT_EQ(Parse("---\n"), nullptr);
}

TEST(YamlTest, JsonIsYaml) {
  EXPECT_EQ(Parse(R"({"a": [1, "2", null, true], "b": {"c": 1.5}})"),
            json::parse(R"({"a": [1, "2", null, true], "b": {"c": 1.5}})"));
}

TEST(YamlTest, AByteOrderMarkIsNoContent) {
  EXPECT_EQ(Parse("\xEF\xBB\xBF"
                  "a: 1"),
            json({{"a", 1}}));
}

TEST(YamlTest, AliasesRepeatTheValueOfTheirAnchor) {
  EXPECT_EQ(Parse("a: &x [1, 2]\nb: *x"), json::parse(R"({"a": [1, 2], "b": [1, 2]})"));
}

TEST(YamlTest, SyntaxErrorsNameLineAndColumn) {
  EXPECT_THAT(ErrorOf("a: 1\nb: [1, 2\n"), HasSubstr("line 3, column 1"));
  EXPECT_THAT(ErrorOf("a: 1\n  b: 2\n"), HasSubstr("line 2"));
  EXPECT_THAT(ErrorOf("a: *nobody\n"), HasSubstr("line 1"));
}

TEST(YamlTest, ADuplicateKeyIsNamedWhereItStandsAgain) {
  EXPECT_EQ(ErrorOf("a: 1\nb: 2\na: 3\n"), "line 3, column 1: the key 'a' stands here twice");
  EXPECT_EQ(ErrorOf("x: {a: 1, a: 1}\n"), "line 1, column 11: the key 'a' stands here twice");
}

TEST(YamlTest, AKeyThatIsNoStringIsAnError) {
  EXPECT_EQ(ErrorOf("[1, 2]: x\n"), "line 1, column 1: a key must be a string");
}

TEST(YamlTest, ASecondDocumentIsAnError) {
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 2\n"),
            "line 2, column 1: a second document begins here; only one is read");
}

TEST(YamlTest, WhatNoDocumentCanBeginWithIsAnErrorAndNoEndlessLoop) {
  for (const std::string_view text : {",", "]", "}", ",a: 1", "a: 1\n]"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("line ")) << text;
  }
}

TEST(YamlTest, TakesTheDeepestNestingThatIsAllowedAndRefusesOneMore) {
  const int depth = kYamlMaxDepth;
  Parse(Repeat("[", depth) + Repeat("]", depth));
  EXPECT_EQ(ErrorOf(Repeat("[", depth + 2) + Repeat("]", depth + 2)),
            "line 1, column 66: nested too deeply");
}

TEST(YamlTest, EndlessNestingOfAnyKindIsRefused) {
  for (const std::string_view opening : {"[", "{a: ", "- ", "? ", "!t [", "&a ["}) {
    EXPECT_THAT(ErrorOf(Repeat(opening, 50'000)), HasSubstr("nested too deeply")) << opening;
    EXPECT_THAT(ErrorOf("\xEF\xBB\xBF" + Repeat(opening, 50'000)), HasSubstr("nested too deeply"))
        << opening;
  }
  std::string stairs;
  for (int i = 0; i < 1000; ++i) stairs += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_THAT(ErrorOf(stairs), HasSubstr("nested too deeply"));
}

TEST(YamlTest, ABillionLaughsAreRefusedBeforeTheyGrow) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i <= 9; ++i) {
    const std::string alias = absl::StrCat("*a", i - 1);
    absl::StrAppend(&text, "a", i, ": &a", i, " [", alias);
    for (int j = 0; j < 8; ++j) absl::StrAppend(&text, ", ", alias);
    absl::StrAppend(&text, "]\n");
  }
  EXPECT_THAT(ErrorOf(text), HasSubstr("expands to more than 100000 values"));
}

TEST(YamlTest, ALongTextThatIsRepeatedOftenIsRefused) {
  const std::string text =
      "a: &a " + std::string(100'000, 'x') + "\nb: [*a" + Repeat(", *a", 1000) + "]\n";
  EXPECT_THAT(ErrorOf(text), HasSubstr("expands to more than 4194304 bytes"));
}

TEST(YamlTest, AnAnchorInsideItselfIsRefused) {
  EXPECT_THAT(ErrorOf("a: &a [*a]\n"), HasSubstr("nested too deeply"));
  EXPECT_THAT(ErrorOf("a: &a {b: *a, c: *a}\n"), HasSubstr("nested too deeply"));
}

TEST(YamlTest, ALargeDocumentIsRefusedUnread) {
  EXPECT_EQ(ErrorOf(std::string(kYamlMaxBytes + 1, ' ')), "larger than 4194304 bytes");
}

TEST(YamlTest, OnlyUtf8IsText) {
  EXPECT_EQ(ErrorOf("a: 1\nb: \xFF\n"), "line 2: not UTF-8");
  EXPECT_EQ(ErrorOf(std::string("a\0:\0 \0b\0", 8)), "holds a NUL byte");
}

}  // namespace
}  // namespace nodedevice
