#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/observed.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

enum class Truth { kFalse, kTrue, kUnknown };

// A metav1.Condition to be.
struct Condition {
  std::string type;
  Truth status = Truth::kUnknown;
  std::string reason = {};
  std::string message = {};  // cut to what the API takes
};

// As the status has them. lastTransitionTime is the one of `previous`, a status, while the
// condition keeps its status, else `now`.
nlohmann::json RenderConditions(const std::vector<Condition>& conditions,
                                const nlohmann::json& previous, std::int64_t generation,
                                WallSeconds now);

// The condition of a status; null when it has none.
const nlohmann::json& ConditionOf(const nlohmann::json& status, const std::string& type);

}  // namespace nodedevice
