#pragma once

#include <string_view>

#include "lib/base/status.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// One YAML document as a JSON value, typed by YAML 1.2's core schema as the API server reads it
// (true, 12 and null are not strings unless quoted). Untrusted text is safe: anchors are counted
// where they are used, so a document that would grow beyond `kYamlMaxNodes` values,
// `kYamlMaxDepth` levels or `kYamlMaxBytes` of text is refused before it does. Every string of the
// result is UTF-8. Errors name line and column. Duplicate keys and
// a second document are errors. An empty document is null.
absl::StatusOr<nlohmann::json> ParseYaml(std::string_view text);

inline constexpr int kYamlMaxNodes = 100'000;
inline constexpr int kYamlMaxDepth = 64;
inline constexpr std::size_t kYamlMaxBytes = 4u << 20;

}  // namespace nodedevice
