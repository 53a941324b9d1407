#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "devicemanager/checkpoint.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager {

// Reads a checkpoint as DecodeCheckpoint does, for people: an error says where the text is broken
// and what a kubelet makes of it. Untrusted text is safe.
absl::StatusOr<Checkpoint> ReadForPeople(std::string_view text);

// What is wrong in a checkpoint whose checksum is right, a sentence each: an answer of a plugin
// that cannot be read, a device that two pods hold.
std::vector<std::string> ProblemsOf(const Checkpoint& checkpoint);

// {"entries": [{"pod", "container", "resource", "devices": {node: [ids]}, "answer"}],
//  "registered": {resource: [ids]}, "problems": [...]}; "answer" is what the container gets.
nlohmann::ordered_json CheckpointJson(const Checkpoint& checkpoint);

// The same in lines: who holds what, then each resource with its devices.
std::string CheckpointText(const Checkpoint& checkpoint);

}  // namespace nodedevice::devicemanager
