#pragma once

#include <string>
#include <vector>

#include "agent/snapshot.h"

namespace nodedevice {

// One line for the log.
struct Narration {
  enum class Level { kInfo, kWarning };
  Level level = Level::kInfo;
  std::string text;
  bool operator==(const Narration&) const = default;
};

// What an administrator wants to read about the way from one snapshot to the next: phases that
// changed, processes that ended, a Device Manager that came or went, a configuration that was
// accepted or not. Empty when nothing of that kind changed.
std::vector<Narration> Narrate(const Snapshot& before, const Snapshot& after);

}  // namespace nodedevice
