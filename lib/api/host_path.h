#pragma once

#include <cstddef>
#include <string_view>

#include "lib/api/device_plugin_config.h"
#include "lib/base/status.h"

namespace nodedevice {

// Ok when `path` is absolute, has no empty, "." or ".." part and obeys the policy: below (not equal
// to) /dev, /sys, /var, /opt, /run, /usr or /etc with kAllowList. The message says what is wrong.
absl::Status CheckHostPath(std::string_view path, HostPathPolicy policy);

// The same for a path that may hold wildcards; kAllowList then wants the part before the first
// wildcard to be inside already, so "/d*" is refused.
absl::Status CheckHostPattern(std::string_view pattern, HostPathPolicy policy);

// Ok when `path` is absolute and has no empty, "." or ".." part; a '/' at the end is fine when it
// may stand for a folder.
absl::Status CheckContainerPath(std::string_view path, bool may_be_folder);

// How many wildcards (*, ?, [...]) the pattern holds. REQUIRES: CheckHostPattern was ok.
std::size_t CountWildcards(std::string_view pattern);

}  // namespace nodedevice
