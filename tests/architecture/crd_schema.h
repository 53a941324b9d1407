#pragma once

#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice::testing {

// The schemas of crds/, walked place by place, and documents made to ask the parser about one
// place.

// One place in a document: "spec", "plugins", "[]", "name". "[]" is any entry of a list.
struct SchemaPlace {
  std::vector<std::string> steps;
  nlohmann::json schema;

  // As the parser writes it, with the first entry of each list: "spec.plugins[0].name".
  std::string path() const;
};

inline constexpr char kConfigCrd[] = "crds/nodedevices.io_devicepluginconfigs.yaml";
inline constexpr char kStateCrd[] = "crds/nodedevices.io_nodedevicestates.yaml";

// The whole object of a file of crds/; throws when it is no YAML.
nlohmann::json ReadCrd(const std::string& file);

// Its schema.
nlohmann::json SchemaOf(const std::string& file);

// Every place of its schema below `top` ("spec"), and that place itself.
std::vector<SchemaPlace> PlacesOf(const std::string& file, const std::string& top);
// The one place with this path; throws when there is none.
SchemaPlace PlaceAt(const std::string& file, const std::string& path);

// What the API server would say of an object, or a part of one, by this schema: fields that it does
// not know and would drop, fields that are missing, types, words, patterns and limits. Rules (CEL)
// are not looked at. Empty: it takes all of it.
std::vector<std::string> SchemaErrors(const nlohmann::json& schema, const nlohmann::json& value);

// What the parser says of a document that has nothing but this value at this place, and what it
// says at one path of it. Errors that only tell what else is missing are among them.
std::vector<FieldError> ErrorsWith(const SchemaPlace& place, const nlohmann::json& value);
std::vector<std::string> MessagesAt(const std::vector<FieldError>& errors, const std::string& path);

}  // namespace nodedevice::testing
