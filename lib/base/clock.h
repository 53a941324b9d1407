#pragma once

// Time is an argument of everything that decides; only the shells read the clock.

#include <chrono>

namespace nodedevice {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

}  // namespace nodedevice
