#pragma once

#include <string_view>

#include "lib/base/status.h"

namespace nodedevice {

// What names of ours are made of: 1 to 63 lower case letters, digits and '-', with a letter or
// digit at both ends. It can stand in a file name, a label's value, and before a dot in a longer
// name.
absl::Status CheckDnsLabel(std::string_view name);

}  // namespace nodedevice
