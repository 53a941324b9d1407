#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "tests/bench/plugin_process.h"
#include "tests/bench/samples.h"

namespace nodedevice::bench {

// How to start a plugin. In each word, {kubelet-dir}, {plugin-dir} (the folder of the sockets below
// it), {host-root}, {pattern} (of the device nodes; below {host-root}/dev), {node} (the first of
// them) and {devices} (how many devices it is to announce) are replaced.
struct PluginCommand {
  std::vector<std::string> words;
};

// How much to measure. The pauses belong to the question, not to the tool: a plugin may merge
// changes that follow each other closely, and a kubelet needs its time to come back.
struct Plan {
  int devices = 10;
  bool one_node = false;              // they are shares of one device node: all come and go with it
  std::filesystem::path kubelet_dir;  // empty: a fresh one; else nobody else's, with no kubelet
  int calls = 2000;                   // of each kind
  int calls_after_rest = 20;
  int warm_up_calls = 200;
  int callers = 8;                         // that make such calls at the same time
  int starts = 10;                         // of the process
  int changes = 40;                        // a device goes and comes back
  int restarts = 20;                       // of the kubelet, for each of the two ways
  std::chrono::milliseconds pause{300};    // before each change: nothing happens in it
  std::chrono::milliseconds absence{300};  // of the kubelet, and a bit more from round to round
  std::chrono::milliseconds rest{1000};    // before such a call, and a bit more from call to call
  std::chrono::seconds settle{1};          // before memory is read
  std::chrono::seconds idle{10};
};

// What was measured of one plugin with one number of devices.
struct Figures {
  Samples start_to_register;  // from just before the process was made
  Samples start_to_list;
  Samples empty_call;  // GetDevicePluginOptions, in turns with ...
  Samples allocate;    // ... Allocate of one device
  int callers = 0;     // at the same time, with ...
  double allocates_per_second = 0;
  Samples allocate_after_rest;  // when nothing was asked for a while: how a kubelet calls
  Samples device_gone;  // from before the unlink to the list without it, or with it not healthy
  Samples device_back;
  // From before the new kubelet.sock to the Register call.
  Samples kubelet_back_streams_closed;
  Samples kubelet_back_streams_open;
  Samples exit;  // from SIGTERM
  ProcessUse after_start;
  ProcessUse after_work;
  std::chrono::seconds idle{0};
  Duration idle_cpu{};
};

// Plays a kubelet to the plugin in a fresh directory and measures it; takes a minute or so, and
// much longer with a slow plugin. The error says which step failed and ends with what the plugin
// logged last. Blocks the calling thread.
absl::StatusOr<Figures> Measure(const PluginCommand& command, const Plan& plan);

}  // namespace nodedevice::bench
