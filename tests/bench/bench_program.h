#pragma once

#include <functional>

#include "CLI/CLI.hpp"
#include "lib/base/status.h"

namespace nodedevice::bench {

// What a program that measures exits with.
enum ExitCode { kGoalsMet = 0, kGoalsMissed = 1, kError = 2 };

// The main() of one: reads the words of its command line and calls `run`. What it could not do goes
// to standard error, under the program's name.
int RunBenchProgram(CLI::App& app, int argc, char** argv,
                    const std::function<absl::StatusOr<ExitCode>()>& run);

}  // namespace nodedevice::bench
