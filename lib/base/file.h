#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"

namespace nodedevice {

// The whole content of a regular, /sys or /proc file. A file of more than `limit` bytes is refused
// (kResourceExhausted), so that nobody can make us read a device or an endless file into memory.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path, std::size_t limit);

// The same for a one-line attribute of sysfs: without the white space around it.
absl::StatusOr<std::string> ReadAttribute(const std::filesystem::path& path);

// Gives one value to an attribute of sysfs, which must exist, in one write: the kernel takes or
// refuses it as a whole, and may take its time.
absl::Status WriteAttribute(const std::filesystem::path& path, std::string_view value);

// The names in a directory, in byte order; none when it cannot be read. Does not throw, as
// iterating over a directory does when reading fails half-way.
std::vector<std::string> NamesIn(const std::filesystem::path& directory);

// Writes `content` to a temporary file beside `path`, syncs it and renames it into place, so that a
// reader sees the old or the new content and a crash leaves one of the two.
absl::Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

}  // namespace nodedevice
