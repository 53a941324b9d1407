#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice {

// The text at a JSON pointer such as "/metadata/uid" of an object that the API sent; empty when
// there is none, or something else than a text.
inline std::string TextAt(const nlohmann::json& object, const char* pointer) {
  const nlohmann::json::json_pointer at(pointer);
  return object.contains(at) && object[at].is_string() ? object[at].get<std::string>() : "";
}

// What stands at a JSON pointer; null when there is nothing. It lives as long as `object`.
inline const nlohmann::json& ValueAt(const nlohmann::json& object, const char* pointer) {
  static const nlohmann::json nothing;
  const nlohmann::json::json_pointer at(pointer);
  return object.contains(at) ? object[at] : nothing;
}

// The same for a list: an empty one when there is something else. Its elements may be anything.
inline const nlohmann::json& ListAt(const nlohmann::json& object, const char* pointer) {
  static const nlohmann::json nothing = nlohmann::json::array();
  const nlohmann::json& value = ValueAt(object, pointer);
  return value.is_array() ? value : nothing;
}

inline std::string NameOf(const nlohmann::json& object) { return TextAt(object, "/metadata/name"); }

// The object of this name among the items of a list; null: there is none.
inline const nlohmann::json& Named(const nlohmann::json& items, const std::string& name) {
  static const nlohmann::json nothing;
  for (const nlohmann::json& object : ListAt(items, "")) {
    if (NameOf(object) == name) return object;
  }
  return nothing;
}

// How people call an object: "DaemonSet node-device/node-device-agent-x", "Node n1".
inline std::string ObjectName(const std::string& kind, const std::string& name_space,
                              const std::string& name) {
  return kind + " " + (name_space.empty() ? "" : name_space + "/") + name;
}
inline std::string ObjectName(const nlohmann::json& object) {
  return ObjectName(TextAt(object, "/kind"), TextAt(object, "/metadata/namespace"), NameOf(object));
}

}  // namespace nodedevice
