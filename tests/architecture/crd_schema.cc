#include "tests/architecture/crd_schema.h"

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

std::vector<SchemaPlace> PlacesOf(const std::string& file, const std::string& top) {
  const json crd = ReadCrd(file);
  const json& root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
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
