#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "lib/base/process.h"

namespace nodedevice::testing {

// How a program ended and what it printed, standard output and standard error together.
struct Outcome {
  int exit_code = -1;
  std::string output;
};

// Runs `device-manager ARGUMENTS...` to its end.
Outcome RunDeviceManager(std::vector<std::string> arguments);

// A running `device-manager serve`. Killed at the end of the test if it still runs.
class ServeProcess {
 public:
  explicit ServeProcess(const std::string& kubelet_dir,
                        const std::vector<std::string>& options = {});
  ~ServeProcess();
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  pid_t pid() const { return child_.pid; }
  void Signal(int signal) const;
  // Waits for the end and returns the exit code, 128 + the number for a signal.
  int Wait();

 private:
  SpawnedChild child_;
  bool ended_ = false;
};

}  // namespace nodedevice::testing
