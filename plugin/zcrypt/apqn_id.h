#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// What a device of a crypto card's queue is called, and what is made for it, as IBM's plugin does.

// One of the containers that may use a queue at a time.
struct ApqnId {
  int adapter = 0;
  int domain = 0;
  int index = 0;  // from 0, below the entry's overcommit
  bool operator==(const ApqnId&) const = default;
};

// "apqn-3-5-0", all in decimal digits.
std::string ToText(const ApqnId& id);

// Only text that ToText() gives: "apqn-03-5-0" would be a second name for the same device, and its
// characters become part of paths.
std::optional<ApqnId> ParseApqnId(std::string_view text);

// "zcrypt-apqn-3-5-0": the kernel's name for the node, in /dev and in sysfs.
std::string ZcryptNodeName(const ApqnId& id);
std::optional<ApqnId> ParseZcryptNodeName(std::string_view name);

// "sysfs-apqn-3-5-0": the folder, below the entry's shadowPath, of what its container sees of /sys.
std::string ShadowFolderName(const ApqnId& id);
std::optional<ApqnId> ParseShadowFolderName(std::string_view name);

}  // namespace nodedevice
