#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/base/event_loop.h"
#include "lib/base/process.h"
#include "tests/support/fake_mco.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// Runs a shell command for each node that is brought to another configuration, with two more
// arguments: the node's name, and a file with the rendered MachineConfig as JSON. What it prints
// goes to standard error. Loop thread only.
class FakeMcoHook {
 public:
  FakeMcoHook(EventLoop& loop, std::string command) : loop_(loop), command_(std::move(command)) {}

  // `done`: when it has ended; with a text when that was not with 0.
  void Run(const mco::NodeUpdate& update, std::function<void(std::string)> done);
  // To be called at SIGCHLD.
  void Reap();

 private:
  struct Running {
    std::string node;
    UniqueFd output;
    std::unique_ptr<ReadWatch> watch;
    std::function<void(std::string)> done;
  };

  void Copy(pid_t pid);

  EventLoop& loop_;
  const std::string command_;
  const TempDir dir_;
  std::map<pid_t, Running> running_;
};

}  // namespace nodedevice::testing
