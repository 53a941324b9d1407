#pragma once

#include <string>

#include "controller/observed.h"

namespace nodedevice {

// What the platform itself has to do with a Device Manager that is down, for people; empty: nothing
// that was observed.
std::string ExplainPlatform(const Observed& observed);

}  // namespace nodedevice
