#pragma once

#include <string>

#include "lib/base/status.h"
#include "spdlog/spdlog.h"

namespace nodedevice {

// Sends the log to standard error: one line a message, as text for people or as JSON for log
// stores. `format` is "text" or "json", `level` one of debug, info, warn, error. To be called once,
// from main.
absl::Status ConfigureLog(const std::string& program, const std::string& format,
                          const std::string& level);

}  // namespace nodedevice
