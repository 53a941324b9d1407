#pragma once

#include <ostream>

#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// Found by GoogleTest, so that a failure shows words and not bytes.
inline void PrintTo(const FieldError& error, std::ostream* out) {
  *out << error.path << ": " << error.message;
}

}  // namespace nodedevice
