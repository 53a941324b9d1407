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

}  // namespace nodedevice
