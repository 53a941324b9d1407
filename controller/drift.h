#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice {

// A few letters that stand for what the controller wants of an object: others when that changes.
std::string Fingerprint(const nlohmann::json& object);

// Whether the object has to be applied: it is not there (`has` is null), something else was applied
// last, which its annotation tells, or somebody has changed a field that `wanted` names. Fields
// that the API server or others have added are no reason.
bool NeedsApply(const nlohmann::json& wanted, const nlohmann::json& has);

}  // namespace nodedevice
