#pragma once

#include <filesystem>

namespace nodedevice::testing {

// The repository that the tests belong to.
std::filesystem::path SourceRoot();
// The programs of the build that the tests belong to.
std::filesystem::path ProgramFolder();

}  // namespace nodedevice::testing
