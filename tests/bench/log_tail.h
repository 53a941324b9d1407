#pragma once

#include <filesystem>
#include <string>

namespace nodedevice::bench {

// The end of what a program that is measured logged, in a sentence for an error message.
std::string LogTail(const std::filesystem::path& log);

}  // namespace nodedevice::bench
