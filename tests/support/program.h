#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/process.h"

namespace nodedevice::testing {

// A program of ours, or any other, as a process. Its output goes to a file; it is killed, if it
// still runs, at the end of the object.
class Program {
 public:
  // Starts <build>/bin/<arguments[0]>, or the program with that absolute path. Throws when that
  // fails: the test cannot go on.
  Program(const std::vector<std::string>& arguments, const std::filesystem::path& log);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // Waits for its end and returns the exit code, or minus the signal that killed it.
  int Wait();
  // What it has printed so far, both streams.
  std::string Output() const;

 private:
  std::filesystem::path log_;
  pid_t pid_;
  bool ended_ = false;
};

// The port on loopback that a program of ours says that it serves; nullopt until it has said so.
std::optional<std::uint16_t> ServedPort(std::string_view log);

struct ProgramResult {
  int code;
  std::string output;
};

// Runs a program of ours to its end.
ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         const std::filesystem::path& log);

// True once no such process runs; one that is dead and not yet reaped does not run.
bool HasEnded(pid_t pid);

}  // namespace nodedevice::testing
