#pragma once

// Times as objects of the API tell them.

#include <chrono>
#include <string>

namespace nodedevice {

// The clock on the wall: to be written down for people, never to decide by.
using WallTime = std::chrono::system_clock::time_point;
using WallSeconds = std::chrono::sys_seconds;

// metav1.Time: "2026-01-02T03:04:05Z".
std::string ApiTime(WallSeconds time);
// What is no time is the epoch: long ago. A fraction of a second is dropped.
WallSeconds ReadApiTime(const std::string& text);

// metav1.MicroTime: "2026-01-02T03:04:05.000006Z", always with six digits, which the API insists
// on.
std::string MicroTime(WallTime when);

}  // namespace nodedevice
