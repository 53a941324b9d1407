#pragma once

#include <string>

#include "lib/base/clock.h"

namespace nodedevice {

// A duration for people: "4 s", "12 min", "3 h 5 min", "9 d 2 h".
std::string DurationText(Duration duration);

}  // namespace nodedevice
