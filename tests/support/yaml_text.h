#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice::testing {

// A value as YAML in blocks, for files that people review. ParseYaml reads the same value from it.
std::string ToYaml(const nlohmann::json& value);

}  // namespace nodedevice::testing
