// The schemas of crds/ beside the parser: the same fields, types, words and limits. What a type
// cannot say (patterns, rules) is in tests/documents and crd_patterns_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "lib/base/yaml.h"
#include "tests/architecture/crd_schema.h"
#include "tests/architecture/source_tree.h"
#include "tests/support/documents.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Words = std::set<std::string>;

const std::vector<SchemaPlace>& SpecPlaces() {
  static const std::vector<SchemaPlace> places = PlacesOf(kConfigCrd, "spec");
  return places;
}

std::vector<SchemaPlace> PlacesOfType(const std::string& type) {
  std::vector<SchemaPlace> places;
  for (const SchemaPlace& place : SpecPlaces()) {
    if (place.schema.at("type") == type) places.push_back(place);
  }
  return places;
}

// Objects with fields of their own, and objects whose keys are the user's.
std::vector<SchemaPlace> Objects() {
  std::vector<SchemaPlace> places = PlacesOfType("object");
  std::erase_if(places, [](const auto& place) { return !place.schema.contains("properties"); });
  return places;
}
std::vector<SchemaPlace> Maps() {
  std::vector<SchemaPlace> places = PlacesOfType("object");
  std::erase_if(places, [](const auto& place) { return place.schema.contains("properties"); });
  return places;
}

Words KeysOf(const json& object) {
  Words keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

// "a, b, c" after the beginning of a message; nothing when no message begins so.
Words WordsAfter(const std::vector<std::string>& messages, const std::string& begin) {
  for (absl::string_view message : messages) {
    if (!absl::ConsumePrefix(&message, begin)) continue;
    return absl::StrSplit(message.substr(0, message.find(", is ")), ", ");
  }
  return {};
}

TEST(CrdsTest, TheParserKnowsTheFieldsOfTheSchemaAndNoOthers) {
  EXPECT_GE(Objects().size(), 15u);
  for (const SchemaPlace& place : Objects()) {
    const std::string path = place.path();
    const auto messages =
        MessagesAt(ErrorsWith(place, {{"no-such-field", 1}}), path + ".no-such-field");
    EXPECT_EQ(WordsAfter(messages, "unknown field; known here: "),
              KeysOf(place.schema["properties"]))
        << path;
  }
}

TEST(CrdsTest, TheParserRequiresTheFieldsThatTheSchemaRequires) {
  for (const SchemaPlace& place : Objects()) {
    Words required;
    for (const FieldError& error : ErrorsWith(place, json::object())) {
      const std::string begin = place.path() + ".";
      if (error.path.starts_with(begin) && error.message == "is required") {
        required.insert(error.path.substr(begin.size()));
      }
    }
    EXPECT_EQ(required, place.schema.value("required", Words())) << place.path();
  }
}

TEST(CrdsTest, TypesAreTheSame) {
  const std::vector<std::tuple<const char*, json, const char*>> types = {
      {"object", true, "must be an object, "}, {"array", true, "must be a list, "},
      {"string", true, "must be a string, "},  {"integer", true, "must be an integer, "},
      {"boolean", 1, "must be true or false"},
  };
  std::size_t checked = 0;
  for (const auto& [type, wrong, message] : types) {
    for (const SchemaPlace& place : PlacesOfType(type)) {
      EXPECT_THAT(MessagesAt(ErrorsWith(place, wrong), place.path()), Contains(StartsWith(message)))
          << place.path();
      ++checked;
    }
  }
  EXPECT_EQ(checked, SpecPlaces().size());
}

TEST(CrdsTest, ListsAndMapsHaveTheSameLimits) {
  const auto check = [](const SchemaPlace& place, const char* keyword, auto make) {
    ASSERT_TRUE(place.schema.contains(keyword)) << place.path() << " has no limit";
    const std::size_t limit = place.schema[keyword];
    const std::string error = absl::StrCat("has ", limit + 1, " entries, more than ", limit);
    EXPECT_THAT(MessagesAt(ErrorsWith(place, make(limit + 1)), place.path()), ElementsAre(error));
    EXPECT_THAT(MessagesAt(ErrorsWith(place, make(limit)), place.path()),
                Not(Contains(HasSubstr("entries, more than"))));
  };
  for (const SchemaPlace& place : PlacesOfType("array")) {
    check(place, "maxItems", [](std::size_t size) { return json(std::vector<json>(size)); });
  }
  for (const SchemaPlace& place : Maps()) {
    check(place, "maxProperties", [](std::size_t size) {
      json map = json::object();
      for (std::size_t i = 0; i < size; ++i) map[absl::StrCat("k", i)] = "";
      return map;
    });
  }
}

TEST(CrdsTest, TheSameListsMustNotBeEmpty) {
  for (const SchemaPlace& place : PlacesOfType("array")) {
    const bool refused = !MessagesAt(ErrorsWith(place, json::array()), place.path()).empty();
    EXPECT_EQ(refused, place.schema.value("minItems", 0) == 1) << place.path();
  }
}

TEST(CrdsTest, IntegersHaveTheSameRange) {
  for (const SchemaPlace& place : PlacesOfType("integer")) {
    const auto low = place.schema.value("minimum", std::numeric_limits<std::int64_t>::min());
    const auto high = place.schema.value("maximum", std::numeric_limits<std::int64_t>::max());
    EXPECT_THAT(MessagesAt(ErrorsWith(place, 0.5), place.path()),
                Contains(absl::StrCat("must be an integer from ", low, " to ", high, ", is 0.5")));
  }
}

TEST(CrdsTest, ChoicesHaveTheSameWords) {
  std::size_t checked = 0;
  for (const SchemaPlace& place : PlacesOfType("string")) {
    // The letters of permissions may stand in any order; crd_patterns_test.cc tries them all.
    if (!place.schema.contains("enum") || place.steps.back() == "permissions") continue;
    Words words = place.schema["enum"];
    for (const std::string& word : words) {
      EXPECT_THAT(MessagesAt(ErrorsWith(place, word), place.path()),
                  Not(Contains(StartsWith("must be one of "))))
          << place.path() << " " << word;
    }
    words.erase("");  // where it is allowed the parser does not name it
    EXPECT_EQ(WordsAfter(MessagesAt(ErrorsWith(place, "no"), place.path()), "must be one of "),
              words)
        << place.path();
    ++checked;
  }
  EXPECT_GE(checked, 6u);
}

TEST(CrdsTest, TextsHaveTheSameLimits) {
  for (const SchemaPlace& place : PlacesOfType("string")) {
    if (place.schema.contains("enum")) continue;
    ASSERT_TRUE(place.schema.contains("maxLength")) << place.path();
    const std::size_t limit = place.schema["maxLength"];
    EXPECT_THAT(MessagesAt(ErrorsWith(place, std::string(limit + 1, '1')), place.path()),
                Not(IsEmpty()))
        << place.path() << ": the parser takes more than " << limit;
    if (limit == 4096) continue;
    // A smaller limit is that of a rule. The parser knows no longer text that obeys it.
    EXPECT_LE(limit, 308u) << place.path();
  }
  for (const SchemaPlace& place : Maps()) {
    EXPECT_EQ(place.schema["additionalProperties"].value("maxLength", 0), 4096) << place.path();
    EXPECT_THAT(MessagesAt(ErrorsWith(place, {{"k", std::string(4097, 'x')}}), place.path() + ".k"),
                ElementsAre("is longer than 4096 bytes"));
  }
}

// "spec.plugins[3].name" and "spec.plugins[0].name" are the same field.
std::string FieldOf(std::string path) {
  for (std::size_t open = 0; (open = path.find('[', open)) != std::string::npos; ++open) {
    path.replace(open, path.find(']', open) - open + 1, "[0]");
  }
  return path;
}

void AddFields(const json& value, const std::string& path, Words& fields) {
  fields.insert(path);
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      AddFields(child, absl::StrCat(path, ".", key), fields);
    }
  } else if (value.is_array()) {
    for (const json& entry : value) AddFields(entry, path + "[0]", fields);
  }
}

TEST(CrdsTest, EveryFieldStandsInAnAcceptedAndInARefusedDocument) {
  Words accepted;
  Words refused;
  for (const Document& document : Documents()) {
    if (document.folder == "accepted") {
      AddFields(ParseYaml(document.text).value()["spec"], "spec", accepted);
    } else if (document.folder == "refused") {
      refused.insert(FieldOf(document.agent.substr(0, document.agent.find(": "))));
    }
  }
  for (const SchemaPlace& place : SpecPlaces()) {
    const std::string path = place.path();
    EXPECT_THAT(accepted, Contains(path));
    // A list or object is refused by its type or by what is in it.
    EXPECT_THAT(refused, Contains(StartsWith(path)));
  }
}

TEST(CrdsTest, EveryFieldIsExplained) {
  std::size_t explained = 0;
  for (const char* file : {kConfigCrd, kStateCrd}) {
    for (const char* top : {"spec", "status"}) {
      for (const SchemaPlace& place : PlacesOf(file, top)) {
        if (place.steps.back() == "[]") continue;
        const std::string description = place.schema.value("description", "");
        EXPECT_TRUE(description.ends_with('.'))
            << file << ": " << place.path() << " has no description that ends as a sentence";
        ++explained;
      }
    }
  }
  EXPECT_GT(explained, 120u);
}

TEST(CrdsTest, EveryListSaysHowItIsMerged) {
  for (const char* file : {kConfigCrd, kStateCrd}) {
    for (const char* top : {"spec", "status"}) {
      for (const SchemaPlace& place : PlacesOf(file, top)) {
        if (place.schema["type"] != "array") continue;
        const std::string type = place.schema.value("x-kubernetes-list-type", "");
        EXPECT_THAT((Words{"atomic", "set", "map"}), Contains(type))
            << file << ": " << place.path();
      }
    }
  }
}

TEST(CrdsTest, TheKustomizationHoldsEveryFile) {
  const json kustomization = ReadCrd("crds/kustomization.yaml");
  Words files;
  for (const SourceFile& file : FilesBelow("crds", {".yaml"})) {
    if (ReadCrd(file.path)["kind"] == "CustomResourceDefinition") {
      files.insert(file.path.substr(std::string("crds/").size()));
    }
  }
  EXPECT_EQ(files.size(), 2u);
  EXPECT_EQ(kustomization["resources"].get<Words>(), files);
}

}  // namespace
}  // namespace nodedevice::testing
