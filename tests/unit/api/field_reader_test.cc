#include "lib/api/field_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/print_field_error.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

TEST(FieldPathTest, IsWhatAnAdministratorWouldType) {
  EXPECT_EQ(Child("", "spec"), "spec");
  EXPECT_EQ(Child("spec", "plugins"), "spec.plugins");
  EXPECT_EQ(Child("spec.plugins", 2), "spec.plugins[2]");
  EXPECT_EQ(Child("matchLabels", "a.b/c"), "matchLabels['a.b/c']");
  EXPECT_EQ(Child("envs", ""), "envs['']");
}

TEST(QuotedTest, CutsLongTextsBetweenCharactersAndEscapesOddBytes) {
  EXPECT_EQ(Quoted("kvm"), "'kvm'");
  EXPECT_EQ(Quoted("a\nb"), "'a\\nb'");
  EXPECT_EQ(Quoted(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(Quoted(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
  EXPECT_EQ(Quoted(std::string(79, 'x') + "\xC3\xA9"), "'" + std::string(79, 'x') + "...'");
}

TEST(FieldErrorsTest, ListsTheFirstHundredAndCountsTheRest) {
  FieldErrors errors;
  for (int i = 0; i < 103; ++i) errors.Add(Child("list", static_cast<std::size_t>(i)), "bad");
  EXPECT_EQ(errors.count(), 103u);
  const std::vector<FieldError> all = errors.Take();
  ASSERT_EQ(all.size(), 101u);
  EXPECT_EQ(all[99], (FieldError{"list[99]", "bad"}));
  EXPECT_EQ(all[100], (FieldError{"", "and 3 more"}));
}

TEST(FieldErrorsTest, AreOneALineForPeople) {
  EXPECT_EQ(ToString(std::vector<FieldError>{{"spec", "is required"}, {"", "and 3 more"}}),
            "spec: is required\nand 3 more");
  EXPECT_EQ(ToString(std::vector<FieldError>{}), "");
}

class ObjectReaderTest : public ::testing::Test {
 protected:
  ObjectReader Read(const json& value) {
    value_ = value;
    return {{&value_, "it"}, errors_};
  }

  json value_;
  FieldErrors errors_;
};

TEST_F(ObjectReaderTest, ReadsValuesOfEveryType) {
  ObjectReader reader = Read(json::parse(
      R"({"b": true, "i": -3, "n": 1.5, "t": "x", "l": ["y"], "m": {"k": "v"}, "li": [1, 2]})"));
  EXPECT_EQ(reader.Bool("b"), true);
  EXPECT_EQ(reader.Integer("i", -5, 5), -3);
  EXPECT_EQ(reader.Number("n"), 1.5);
  EXPECT_EQ(reader.Text("t"), "x");
  EXPECT_THAT(reader.TextList("l", 1), ElementsAre("y"));
  EXPECT_THAT(reader.TextMap("m", 1), ElementsAre(std::pair("k", "v")));
  EXPECT_THAT(reader.IntegerList("li", 2, 0, 9), ElementsAre(1, 2));
  reader.RejectUnknown();
  EXPECT_EQ(errors_.count(), 0u);
}

TEST_F(ObjectReaderTest, AbsentAndNullAreTheSame) {
  ObjectReader reader = Read(json::parse(R"({"null": null})"));
  for (const std::string_view key : {"null", "absent"}) {
    EXPECT_FALSE(reader.Has(key));
    EXPECT_FALSE(reader.Bool(key));
    EXPECT_FALSE(reader.Text(key));
    EXPECT_TRUE(reader.List(key, 1).empty());
  }
  reader.RejectUnknown();
  EXPECT_EQ(errors_.count(), 0u);
  EXPECT_FALSE(reader.Require("null"));
  EXPECT_THAT(errors_.Take(), ElementsAre(FieldError{"it.null", "is required"}));
}

TEST_F(ObjectReaderTest, WrongTypesAreNamed) {
  ObjectReader reader = Read(json::parse(
      R"({"bool": "x", "int": true, "number": [], "text": 1, "list": {}, "map": "x",
          "texts": [1], "textmap": {"k": false}})"));
  reader.Bool("bool");
  reader.Integer("int", 0, 1);
  reader.Number("number");
  reader.Text("text");
  reader.List("list", 1);
  reader.Map("map", 1);
  reader.TextList("texts", 1);
  reader.TextMap("textmap", 1);
  EXPECT_THAT(errors_.Take(),
              ElementsAre(FieldError{"it.bool", "must be true or false, is a string"},
                          FieldError{"it.int", "must be an integer, is a boolean"},
                          FieldError{"it.number", "must be a number, is a list"},
                          FieldError{"it.text", "must be a string, is a number"},
                          FieldError{"it.list", "must be a list, is an object"},
                          FieldError{"it.map", "must be an object, is a string"},
                          FieldError{"it.texts[0]", "must be a string, is a number"},
                          FieldError{"it.textmap.k", "must be a string, is a boolean"}));
}

TEST_F(ObjectReaderTest, SomethingElseThanAnObjectIsOneError) {
  ObjectReader reader = Read(json::array());
  EXPECT_FALSE(reader.readable());
  reader.Require("key");
  reader.Text("key");
  reader.RejectUnknown();
  EXPECT_THAT(errors_.Take(), ElementsAre(FieldError{"it", "must be an object, is a list"}));
}

TEST_F(ObjectReaderTest, IntegersAreBounded) {
  ObjectReader reader = Read(json::parse(
      R"({"low": -1, "high": 11, "huge": 18446744073709551615, "float": 1.5, "edge": 10})"));
  EXPECT_EQ(reader.Integer("edge", 0, 10), 10);
  for (const std::string_view key : {"low", "high", "huge", "float"}) {
    EXPECT_FALSE(reader.Integer(key, 0, 10));
  }
  EXPECT_THAT(
      errors_.Take(),
      ElementsAre(FieldError{"it.low", "must be an integer from 0 to 10, is -1"},
                  FieldError{"it.high", "must be an integer from 0 to 10, is 11"},
                  FieldError{"it.huge", "must be an integer from 0 to 10, is 18446744073709551615"},
                  FieldError{"it.float", "must be an integer from 0 to 10, is 1.5"}));
}

TEST_F(ObjectReaderTest, ListsAndMapsAreBounded) {
  ObjectReader reader = Read(json::parse(R"({"list": [1, 2, 3], "map": {"a": 1, "b": 2}})"));
  EXPECT_TRUE(reader.List("list", 2).empty());
  EXPECT_TRUE(reader.Map("map", 1).empty());
  EXPECT_THAT(errors_.Take(), ElementsAre(FieldError{"it.list", "has 3 entries, more than 2"},
                                          FieldError{"it.map", "has 2 entries, more than 1"}));
}

TEST_F(ObjectReaderTest, TextsAreBoundedUtf8WithoutControlCharacters) {
  ObjectReader reader = Read({{"long", "12345"},
                              {"newline", "a\nb"},
                              {"nul", std::string("a\0b", 3)},
                              {"bytes", "\xFF"},
                              {"fine", "1234"},
                              {"keys", {{"a\tb", "x"}}}});
  EXPECT_EQ(reader.Text("fine", 4), "1234");
  EXPECT_FALSE(reader.Text("long", 4));
  EXPECT_FALSE(reader.Text("newline"));
  EXPECT_FALSE(reader.Text("nul"));
  EXPECT_FALSE(reader.Text("bytes"));
  EXPECT_TRUE(reader.TextMap("keys", 1).empty());
  EXPECT_THAT(errors_.Take(),
              ElementsAre(FieldError{"it.long", "is longer than 4 bytes"},
                          FieldError{"it.newline", "must not hold control characters"},
                          FieldError{"it.nul", "must not hold control characters"},
                          FieldError{"it.bytes", "is not UTF-8"},
                          FieldError{"it.keys['a\\tb']", "must not hold control characters"}));
}

TEST_F(ObjectReaderTest, UnknownFieldsNameTheKnownOnes) {
  ObjectReader reader = Read(json::parse(R"({"a": 1, "c": 2, "d": null})"));
  reader.Has("a");
  reader.Has("b");
  reader.RejectUnknown();
  EXPECT_THAT(errors_.Take(), ElementsAre(FieldError{"it.c", "unknown field; known here: a, b"},
                                          FieldError{"it.d", "unknown field; known here: a, b"}));
}

TEST_F(ObjectReaderTest, AChoiceNamesItsWords) {
  ObjectReader reader = Read({{"good", "two"}, {"bad", "three"}});
  EXPECT_EQ(reader.Choice<int>("good", {{"one", 1}, {"two", 2}}), 2);
  EXPECT_EQ(reader.Choice<int>("bad", {{"one", 1}, {"two", 2}}), std::nullopt);
  EXPECT_EQ(reader.Choice<int>("absent", {{"one", 1}}), std::nullopt);
  EXPECT_THAT(errors_.Take(),
              ElementsAre(FieldError{"it.bad", "must be one of one, two, is 'three'"}));
}

}  // namespace
}  // namespace nodedevice
