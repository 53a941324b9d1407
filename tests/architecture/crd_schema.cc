#include "tests/architecture/crd_schema.h"

#include <algorithm>
#include <regex>
#include <set>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/yaml.h"
#include "tests/architecture/source_tree.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;

void Walk(const SchemaPlace& place, std::vector<SchemaPlace>& places) {
  places.push_back(place);
  const auto step = [&](const std::string& name, const json& schema) {
    SchemaPlace next = {place.steps, schema};
    next.steps.push_back(name);
    Walk(next, places);
  };
  const json properties = place.schema.value("properties", json::object());
  for (const auto& [name, schema] : properties.items()) step(name, schema);
  if (place.schema.contains("items")) step("[]", place.schema["items"]);
}

std::string TypeOf(const json& value) {
  return value.is_number_integer() ? "integer" : value.type_name();
}

void CheckText(const json& schema, const std::string& path, const std::string& text,
               std::vector<std::string>& errors) {
  const auto check = [&](bool good, const char* what) {
    if (!good) errors.push_back(absl::StrCat(path, ": ", what, ": '", text, "'"));
  };
  check(text.size() >= schema.value("minLength", 0u), "too short");
  check(text.size() <= schema.value("maxLength", text.size()), "too long");
  check(std::regex_match(text, std::regex(schema.value("pattern", "[^]*"))), "pattern");
  check(schema.value("format", "") != "date-time" ||
            std::regex_match(text, std::regex("[0-9-]{10}T[0-9:]{8}Z")),
        "no time");
}

void CheckList(const json& schema, const std::string& path, const json& list,
               std::vector<std::string>& errors) {
  if (list.size() > schema.value("maxItems", list.size())) {
    errors.push_back(path + ": too many items");
  }
  std::set<json> keys;
  for (const json& item : list) {
    json key = json::array();
    for (const json& name : schema.value("x-kubernetes-list-map-keys", json::array())) {
      key.push_back(item.value(name.get<std::string>(), json()));
    }
    if (!key.empty() && !keys.insert(key).second) {
      errors.push_back(absl::StrCat(path, ": twice: ", key.dump()));
    }
  }
}

void Check(const json& schema, const std::string& path, const json& value,
           std::vector<std::string>& errors) {
  if (TypeOf(value) != schema.at("type")) {
    errors.push_back(absl::StrCat(path, ": is of type ", TypeOf(value)));
    return;
  }
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
    errors.push_back(absl::StrCat(path, ": unknown word ", value.dump()));
  }
  if (value.is_number() && schema.contains("minimum") && value < schema["minimum"]) {
    errors.push_back(path + ": too small");
  }
  if (value.is_string()) CheckText(schema, path, value, errors);
  if (value.is_array()) {
    CheckList(schema, path, value, errors);
    for (const json& item : value) Check(schema.at("items"), path + "[]", item, errors);
  }
  for (const json& name : schema.value("required", json::array())) {
    if (!value.contains(name)) {
      errors.push_back(absl::StrCat(path, ": lacks ", name.get<std::string>()));
    }
  }
  if (!value.is_object() || !schema.contains("properties")) return;
  for (const auto& [name, field] : value.items()) {
    const std::string place = absl::StrCat(path, ".", name);
    if (schema["properties"].contains(name)) {
      Check(schema["properties"][name], place, field, errors);
    } else {
      errors.push_back(place + ": unknown field");
    }
  }
}

}  // namespace

std::string SchemaPlace::path() const {
  std::string path;
  for (const std::string& step : steps) {
    if (step == "[]") {
      path += "[0]";
    } else {
      absl::StrAppend(&path, path.empty() ? "" : ".", step);
    }
  }
  return path;
}

json ReadCrd(const std::string& file) {
  absl::StatusOr<json> crd = ParseYaml(absl::StrJoin(LinesOf(SourceRoot() / file), "\n"));
  if (!crd.ok()) throw std::runtime_error(absl::StrCat(file, ": ", crd.status().ToString()));
  return *std::move(crd);
}

json SchemaOf(const std::string& file) {
  return ReadCrd(file)["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
}

std::vector<std::string> SchemaErrors(const json& schema, const json& value) {
  std::vector<std::string> errors;
  Check(schema, "", value, errors);
  return errors;
}

std::vector<SchemaPlace> PlacesOf(const std::string& file, const std::string& top) {
  const json root = SchemaOf(file);
  std::vector<SchemaPlace> places;
  Walk({{top}, root["properties"][top]}, places);
  return places;
}

SchemaPlace PlaceAt(const std::string& file, const std::string& path) {
  for (const SchemaPlace& place : PlacesOf(file, path.substr(0, path.find('.')))) {
    if (place.path() == path) return place;
  }
  throw std::runtime_error(absl::StrCat(file, " has no ", path));
}

std::vector<FieldError> ErrorsWith(const SchemaPlace& place, const json& value) {
  json document = value;
  for (auto step = place.steps.rbegin(); step != place.steps.rend(); ++step) {
    json outer = *step == "[]" ? json::array() : json::object();
    if (*step == "[]") {
      outer.push_back(std::move(document));
    } else {
      outer[*step] = std::move(document);
    }
    document = std::move(outer);
  }
  return ParseDevicePluginConfig(document).errors;
}

std::vector<std::string> MessagesAt(const std::vector<FieldError>& errors,
                                    const std::string& path) {
  std::vector<std::string> messages;
  for (const FieldError& error : errors) {
    if (error.path == path) messages.push_back(error.message);
  }
  return messages;
}

}  // namespace nodedevice::testing
