#pragma once

#include "CLI/CLI.hpp"
#include "devicemanager/conformance/run.h"

namespace nodedevice::devicemanager::conformance {

// Adds the subcommand `conformance` to `app`; parsing fills `options`, which must outlive it.
CLI::App* AddSubcommand(CLI::App& app, RunOptions* options);

}  // namespace nodedevice::devicemanager::conformance
