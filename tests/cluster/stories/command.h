#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace nodedevice::testing {

struct CommandResult {
  int code = -1;  // of the exit; minus the signal that ended it
  std::string out;
  std::string error;  // standard error
};

// Runs a program, looked for in PATH, to its end. `input` is its standard input.
CommandResult RunCommand(const std::vector<std::string>& command, const std::string& input = "");

// The same, for what a story cannot go on without: a failure throws and says what was printed.
std::string MustRun(const std::vector<std::string>& command, const std::string& input = "");

// Writes a file, and its folder when it is missing; throws when it cannot.
void MustWrite(const std::filesystem::path& path, const std::string& text);

}  // namespace nodedevice::testing
