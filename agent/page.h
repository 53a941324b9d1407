#pragma once

#include <string>
#include <string_view>

#include "agent/snapshot.h"

namespace nodedevice {

// The page for people at "/": one HTML document that needs no script and no other file, refreshed
// while it is open. Everything that came from elsewhere is escaped. What is wrong stands first,
// with what to do about it.
std::string RenderPage(const Snapshot& snapshot, TimePoint now);

// `text` so that it means itself inside an element or a quoted attribute.
std::string EscapeHtml(std::string_view text);

}  // namespace nodedevice
