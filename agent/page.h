#pragma once

#include <string>

#include "agent/snapshot.h"

namespace nodedevice {

// The page for people at "/": one HTML document that needs no script and no other file, refreshed
// while it is open. Everything that came from elsewhere is escaped. What is wrong stands first,
// with what to do about it.
std::string RenderPage(const Snapshot& snapshot, TimePoint now);

}  // namespace nodedevice
