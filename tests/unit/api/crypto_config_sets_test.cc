// The configuration file of IBM's plugin: what it accepts is accepted, what it refuses is refused,
// and what it only pretends to read is read.

#include "lib/api/crypto_config_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/api/field_reader.h"
#include "tests/unit/api/print_field_error.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

json OneSet() {
  return json::parse(R"({"setname": "CCA_1", "project": "customer-1",
    "apqns": [{"adapter": 10, "domain": 6, "machineid": "IBM-3906-00000000000829E7"},
              {"adapter": 11, "domain": 6}]})");
}

std::vector<FieldError> ErrorsOf(const std::vector<json>& sets) {
  return ParseCryptoConfigSets(json{{"cryptoconfigsets", sets}}.dump()).errors;
}

CryptoConfigSet Read(const std::string& key, const json& value) {
  json set = OneSet();
  set[key] = value;
  const auto parsed = ParseCryptoConfigSets(json{{"cryptoconfigsets", json::array({set})}}.dump());
  EXPECT_TRUE(parsed.ok()) << ToString(parsed.errors);
  return parsed.value.empty() ? CryptoConfigSet() : parsed.value.front();
}

// What is wrong with a set of which one thing is changed.
std::vector<FieldError> ErrorsWith(const std::string& pointer, const json& value) {
  json set = OneSet();
  set[json::json_pointer(pointer)] = value;
  return ErrorsOf({set});
}

TEST(CryptoConfigSetsTest, ASetIsItsQueuesAndLeavesTheRestToTheEntry) {
  const auto parsed =
      ParseCryptoConfigSets(json{{"cryptoconfigsets", json::array({OneSet()})}}.dump());
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  CryptoConfigSet expected;
  expected.name = "CCA_1";
  expected.apqns = {{10, 6, "IBM-3906-00000000000829E7"}, {11, 6, ""}};
  EXPECT_THAT(parsed.value, ElementsAre(expected));
}

TEST(CryptoConfigSetsTest, WhatASetSaysIsHonoured) {
  EXPECT_EQ(Read("cexmode", "cca").mode, CexMode::kCca);
  EXPECT_EQ(Read("mincexgen", "cex7").min_generation, 7);
  EXPECT_EQ(Read("overcommit", 5).overcommit, 5);
  EXPECT_EQ(Read("livesysfs", 0).live_sysfs, false);
  EXPECT_EQ(Read("livesysfs", 1).live_sysfs, true);
}

TEST(CryptoConfigSetsTest, NothingIsSaidByNothing) {
  EXPECT_EQ(Read("cexmode", "").mode, std::nullopt);
  EXPECT_EQ(Read("mincexgen", "").min_generation, 0);
  EXPECT_EQ(Read("overcommit", 0).overcommit, std::nullopt);
  EXPECT_EQ(Read("overcommit", nullptr).overcommit, std::nullopt);
  EXPECT_THAT(Read("apqns", nullptr).apqns, IsEmpty());
}

TEST(CryptoConfigSetsTest, AnEmptyObjectAndUnknownKeysAreGood) {
  const auto empty = ParseCryptoConfigSets("{}");
  EXPECT_TRUE(empty.ok());
  EXPECT_THAT(empty.value, IsEmpty());
  EXPECT_EQ(Read("comment", "of ours").name, "CCA_1");
}

TEST(CryptoConfigSetsTest, EachRuleIsToldWithItsPath) {
  const std::string set = "cryptoconfigsets[0].";
  EXPECT_THAT(ErrorsWith("/project", ""),
              ElementsAre(FieldError{set + "project", "must not be empty"}));
  EXPECT_THAT(
      ErrorsWith("/cexmode", "CCA"),
      ElementsAre(FieldError{set + "cexmode", "must be one of ep11, cca, accel, is 'CCA'"}));
  EXPECT_THAT(
      ErrorsWith("/mincexgen", "cex10"),
      ElementsAre(FieldError{set + "mincexgen",
                             "must be one of cex4, cex5, cex6, cex7, cex8, cex9, is 'cex10'"}));
  EXPECT_THAT(
      ErrorsWith("/overcommit", -1),
      ElementsAre(FieldError{set + "overcommit", "must be an integer from 0 to 100, is -1"}));
  EXPECT_THAT(ErrorsWith("/livesysfs", 2),
              ElementsAre(FieldError{set + "livesysfs", "must be an integer from 0 to 1, is 2"}));
  EXPECT_THAT(ErrorsWith("/apqns/1/adapter", 256),
              ElementsAre(FieldError{set + "apqns[1].adapter",
                                     "must be an integer from 0 to 255, is 256"}));
  EXPECT_THAT(ErrorsWith("/apqns/1/domain", "6"),
              ElementsAre(FieldError{set + "apqns[1].domain", "must be an integer, is a string"}));
  EXPECT_THAT(ErrorsWith("/apqns/1/domain", nullptr),
              ElementsAre(FieldError{set + "apqns[1].domain", "is required"}));
  EXPECT_THAT(ErrorsWith("/setname", nullptr),
              ElementsAre(FieldError{set + "setname", "is required"}));
  EXPECT_THAT(ErrorsWith("/setname", "a b").size(), 1u);
  EXPECT_THAT(ErrorsWith("/setname", "").size(), 1u);
}

TEST(CryptoConfigSetsTest, NamesAndQueuesStandOnceInTheWholeFile) {
  json other = OneSet();
  other["apqns"] = json::array({{{"adapter", 12}, {"domain", 6}}});
  EXPECT_THAT(ErrorsOf({OneSet(), other}),
              ElementsAre(FieldError{"cryptoconfigsets[1].setname",
                                     "'CCA_1' is already the name of cryptoconfigsets[0]"}));
  other["setname"] = "CCA_2";
  EXPECT_THAT(ErrorsOf({OneSet(), other}), IsEmpty());
  other["apqns"][0]["adapter"] = 11;
  EXPECT_THAT(ErrorsOf({OneSet(), other}),
              ElementsAre(FieldError{"cryptoconfigsets[1].apqns[0]",
                                     "adapter 11, domain 6 is already in "
                                     "cryptoconfigsets[0].apqns[1]; both may stand only with "
                                     "different machine ids"}));
  other["apqns"][0] = {{"adapter", 10}, {"domain", 6}, {"machineid", "IBM-8561-1"}};
  EXPECT_THAT(ErrorsOf({OneSet(), other}), IsEmpty());
}

TEST(CryptoConfigSetsTest, TextThatIsNoJsonIsOneError) {
  for (const char* text : {"", "cryptoconfigsets: []", "{\"cryptoconfigsets\": [", "\xff"}) {
    EXPECT_THAT(ParseCryptoConfigSets(text).errors, ElementsAre(FieldError{"", "is not JSON"}));
  }
  EXPECT_THAT(ParseCryptoConfigSets("[]").errors,
              ElementsAre(FieldError{"", "must be an object, is a list"}));
  const std::string deep(100'000, '[');
  EXPECT_FALSE(ParseCryptoConfigSets(deep + std::string(100'000, ']')).ok());
}

TEST(CryptoConfigSetsTest, WhatTheSetSaysWinsOverTheEntry) {
  AdjunctProcessor entry;
  entry.overcommit = 3;
  entry.live_sysfs = false;
  entry.shadow_path = "/var/x";
  CryptoConfigSet set;
  set.apqns = {{1, 2, ""}};
  set.mode = CexMode::kAccel;
  set.min_generation = 6;
  AdjunctProcessor expected = entry;
  expected.apqns = set.apqns;
  expected.mode = set.mode;
  expected.min_generation = 6;
  EXPECT_EQ(WithSet(entry, set), expected);
  set.overcommit = 7;
  set.live_sysfs = true;
  expected.overcommit = 7;
  expected.live_sysfs = true;
  EXPECT_EQ(WithSet(entry, set), expected);
}

}  // namespace
}  // namespace nodedevice
