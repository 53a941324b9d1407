#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "tests/bench/plugin_process.h"
#include "tests/bench/samples.h"

namespace nodedevice::bench {

// How much to measure of an agent that keeps many resources, each with a plugin of its own.
struct ResourcesPlan {
  int resources = 32;
  int starts = 5;                          // of the agent, with all that it starts
  int restarts = 10;                       // of the kubelet
  std::chrono::milliseconds pause{300};    // before each restart: nothing happens in it
  std::chrono::milliseconds absence{300};  // of the kubelet, and a bit more from round to round
  std::chrono::seconds settle{1};          // before memory is read
  std::chrono::seconds idle{10};
};

// What was measured of it. Times end with the last of the resources.
struct ResourcesFigures {
  int resources = 0;
  Samples start_to_lists;           // from just before the agent was made
  Samples kubelet_back_registered;  // from before the new kubelet.sock
  Samples kubelet_back_listed;
  Samples exit;           // from the agent's SIGTERM to the end of the agent, its plugins before it
  ProcessUse after_work;  // of all processes together
  std::chrono::seconds idle{0};
  Duration idle_cpu{};
};

// Plays a kubelet to an agent that follows a configuration file with one device for each resource,
// in a fresh directory. `programs`: the folder of node-device-agent and node-device-plugin. The
// error says which step failed and ends with what the agent logged last. Blocks the calling thread.
absl::StatusOr<ResourcesFigures> MeasureResources(const std::filesystem::path& programs,
                                                  const ResourcesPlan& plan);

}  // namespace nodedevice::bench
