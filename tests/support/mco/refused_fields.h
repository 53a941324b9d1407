#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/support/mco/version.h"

namespace nodedevice::testing::mco {

// Why this KubeletConfig is refused on whatever pool, in the operator's words; nullopt: it is not.
// `pools` are the names of those that it selects.
std::optional<std::string> RefusalOf(const nlohmann::json& config, OpenShift version,
                                     const std::vector<std::string>& pools);

}  // namespace nodedevice::testing::mco
