// The family adjunctProcessor of a plugin entry, and what entries owe each other. The words of each
// refusal are in tests/documents.

#include "lib/api/adjunct_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/api/device_plugin_config.h"
#include "lib/api/field_reader.h"
#include "tests/unit/api/print_field_error.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kMachine[] = "IBM-3906-00000000000829E7";

json Entry(const json& family, const char* name = "cca") {
  return {{"name", name},
          {"resourceName", std::string("cex.s390.ibm.com/") + name},
          {"adjunctProcessor", family}};
}

Parsed<PluginSpec> Parse(const json& family, HostPathPolicy policy = HostPathPolicy::kAllowList) {
  return ParsePluginSpec(Entry(family), policy);
}

std::vector<FieldError> ErrorsOf(const json& family) { return Parse(family).errors; }

json One() { return {{"apqns", json::array({{{"adapter", 3}, {"domain", 5}}})}}; }

json With(const std::string& key, const json& value) {
  json family = One();
  family[key] = value;
  return family;
}

TEST(AdjunctProcessorTest, HasTheDefaultsOfIbmsPlugin) {
  const auto parsed = Parse(One());
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  const auto& family = std::get<AdjunctProcessor>(parsed.value.discovery);
  EXPECT_THAT(family.apqns, ElementsAre(Apqn{3, 5, ""}));
  EXPECT_EQ(family.mode, std::nullopt);
  EXPECT_EQ(family.min_generation, 0);
  EXPECT_EQ(family.overcommit, 1);
  EXPECT_TRUE(family.live_sysfs);
  EXPECT_EQ(family.shadow_path, "/var/tmp/shadowsysfs");
  EXPECT_EQ(family.config_file, "");
}

TEST(AdjunctProcessorTest, EveryFieldIsRead) {
  const auto parsed = Parse(json::parse(R"({
    "apqns": [{"adapter": 3, "domain": 5, "machineId": "IBM-3906-00000000000829E7"},
              {"adapter": 255, "domain": 0}],
    "mode": "ep11", "minGeneration": "cex8", "overcommit": 100, "liveSysfs": false,
    "shadowPath": "/var/lib/shadow"})"));
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  AdjunctProcessor expected;
  expected.apqns = {{3, 5, kMachine}, {255, 0, ""}};
  expected.mode = CexMode::kEp11;
  expected.min_generation = 8;
  expected.overcommit = 100;
  expected.live_sysfs = false;
  expected.shadow_path = "/var/lib/shadow";
  EXPECT_EQ(std::get<AdjunctProcessor>(parsed.value.discovery), expected);
}

TEST(AdjunctProcessorTest, AFileAndItsSetTakeThePlaceOfTheQueues) {
  const auto parsed = Parse({{"configFile", "/etc/cex_resources.json"},
                             {"set", "CCA_for_customer_1"},
                             {"overcommit", 3}});
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);
  AdjunctProcessor expected;
  expected.config_file = "/etc/cex_resources.json";
  expected.set = "CCA_for_customer_1";
  expected.overcommit = 3;
  EXPECT_EQ(std::get<AdjunctProcessor>(parsed.value.discovery), expected);
}

TEST(AdjunctProcessorTest, ModesAndGenerationsAreWords) {
  const std::vector<std::pair<const char*, CexMode>> modes = {
      {"ep11", CexMode::kEp11}, {"cca", CexMode::kCca}, {"accel", CexMode::kAccel}};
  for (const auto& [word, mode] : modes) {
    const auto parsed = Parse(With("mode", word));
    EXPECT_EQ(std::get<AdjunctProcessor>(parsed.value.discovery).mode, mode) << word;
  }
  for (int generation = 4; generation <= 9; ++generation) {
    const auto parsed = Parse(With("minGeneration", "cex" + std::to_string(generation)));
    EXPECT_EQ(std::get<AdjunctProcessor>(parsed.value.discovery).min_generation, generation);
  }
}

// Whoever starts a plugin by hand may name any file, but the tree stays where it is looked after.
TEST(AdjunctProcessorTest, TheShadowTreeIsBelowVarWhoeverAsks) {
  const auto parsed = Parse(With("shadowPath", "/root/shadow"), HostPathPolicy::kAny);
  EXPECT_THAT(parsed.errors,
              ElementsAre(FieldError{"adjunctProcessor.shadowPath", "must be below /var"}));
}

TEST(AdjunctProcessorTest, NoQueueStandsTwice) {
  const auto twice = [](const json& first, const json& second) {
    json family;
    for (const json& machine : {first, second}) {
      json apqn = {{"adapter", 3}, {"domain", 5}};
      if (!machine.is_null()) apqn["machineId"] = machine;
      family["apqns"].push_back(apqn);
    }
    return ErrorsOf(family);
  };
  const FieldError clash = {"adjunctProcessor.apqns[1]",
                            "adapter 3, domain 5 is already in adjunctProcessor.apqns[0]; both may "
                            "stand only with different machine ids"};
  EXPECT_THAT(twice(nullptr, nullptr), ElementsAre(clash));
  EXPECT_THAT(twice(nullptr, kMachine), ElementsAre(clash));
  EXPECT_THAT(twice(kMachine, nullptr), ElementsAre(clash));
  EXPECT_THAT(twice(kMachine, kMachine), ElementsAre(clash));
  EXPECT_THAT(twice(kMachine, "IBM-3906-0"), IsEmpty());
}

TEST(AdjunctProcessorTest, NoQueueStandsInTwoEntries) {
  const auto both = [](const json& first, const json& second) {
    return ParseDevicePluginConfig(
               {{"apiVersion", kApiVersion},
                {"kind", "DevicePluginConfig"},
                {"metadata", {{"name", "x"}}},
                {"spec", {{"plugins", {Entry(first, "a"), Entry(second, "b")}}}}})
        .errors;
  };
  EXPECT_THAT(both(One(), One()),
              ElementsAre(FieldError{"spec.plugins[1].adjunctProcessor.apqns[0]",
                                     "adapter 3, domain 5 is already in "
                                     "spec.plugins[0].adjunctProcessor.apqns[0]; both may stand "
                                     "only with different machine ids"}));
  const json file = {{"configFile", "/etc/cex.json"}, {"set", "one"}};
  json other_set = file;
  other_set["set"] = "two";
  EXPECT_THAT(both(file, other_set), IsEmpty());
  EXPECT_THAT(both(file, file),
              ElementsAre(FieldError{"spec.plugins[1].adjunctProcessor.set",
                                     "'one' of this configFile is already meant by "
                                     "spec.plugins[0].adjunctProcessor"}));
  EXPECT_THAT(both(file, One()), IsEmpty()) << "what the file says is known on the nodes only";
}

TEST(AdjunctProcessorTest, ThousandsOfQueuesAreRead) {
  json family;
  for (int i = 0; i < 4096; ++i) {
    family["apqns"].push_back({{"adapter", i / 256}, {"domain", i % 256}});
  }
  EXPECT_THAT(ErrorsOf(family), IsEmpty());
  family["apqns"].push_back({{"adapter", 200}, {"domain", 0}});
  EXPECT_THAT(ToString(ErrorsOf(family)), HasSubstr("has 4097 entries, more than 4096"));
}

}  // namespace
}  // namespace nodedevice
