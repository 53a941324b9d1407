#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nodedevice::devicemanager::conformance {

// What the command line of `device-manager conformance` says.
struct RunOptions {
  std::vector<std::string> plugin;   // the program and its arguments, with placeholders
  std::vector<std::string> env;      // NAME=VALUE
  std::vector<std::string> only;     // topics; empty: all
  std::string kubelet_dir;           // empty: a folder of its own, removed afterwards
  std::string device;                // taken away and put back; empty: none
  std::string log;                   // the plugin's output; empty: a new file below /tmp
  std::string junit;                 // where to write that; empty: nowhere
  std::optional<int> registrations;  // for the growth; nullopt: as many as fit
  double patience_seconds = 20;
  double start_seconds = 30;
  bool json = false;
};

inline constexpr int kConforms = 0;   // whatever must hold holds
inline constexpr int kBroken = 1;     // something that must hold is broken
inline constexpr int kNotPlayed = 2;  // usage, or the plugin never started or registered

// Plays, prints the report and returns the exit code. Called once, from main, before there is
// another thread. SIGINT and SIGTERM stop it early, with everything put back.
int RunConformance(const RunOptions& options);

}  // namespace nodedevice::devicemanager::conformance
