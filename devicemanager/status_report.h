#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "devicemanager/node_state.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager {

// How many allocatable devices of which resources somebody waits for.
using Wants = std::map<std::string, int>;

// "RESOURCE" (1 device) or "RESOURCE=N".
absl::StatusOr<std::pair<std::string, int>> ParseWant(std::string_view text);

// Every wanted resource has at least so many allocatable devices; of one that is wanted with 0, a
// plugin is connected.
bool Satisfied(const State& state, const Wants& wants);

// What is missing, for people; empty when nothing is.
std::string Missing(const State& state, const Wants& wants);

double Seconds(Duration duration);

// {"starts", "resources": [{"name", "capacity", "allocatable", "allocated", "connected"}],
//  "pods": [{"namespace", "name", "uid", "devices": {container: {resource: [ids]}}}]}
// A pod that only the checkpoint knows has an empty name. "faults" and "clockAheadSeconds" are
// there only when something is not as in a healthy kubelet.
nlohmann::ordered_json StatusJson(const State& state);

// Such a document as a table of its resources, with a line for each fault. Missing members count as
// empty.
std::string StatusTable(const nlohmann::ordered_json& status);

}  // namespace nodedevice::devicemanager
