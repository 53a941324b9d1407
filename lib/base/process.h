#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace nodedevice {

// How to start a program.
struct SpawnOptions {
  std::vector<std::string> command = {};  // command[0] is a path; PATH is not searched
  std::map<std::string, std::string> environment = {};  // added to ours, or replacing entries of it
  bool report_pipe = false;                             // give it the write end of a pipe as fd 3
  // Sent to it when the thread that called Spawn ends, however it ends; 0: nothing. Its own
  // children do not inherit this.
  int parent_death_signal = 0;
};

// A running child. Both descriptors are non-blocking and ours alone.
struct SpawnedChild {
  pid_t pid = 0;    // also the id of its process group
  UniqueFd output;  // read end of its standard output and standard error
  UniqueFd report;  // read end of its fd 3; empty without report_pipe
};

// Sets a variable for this process alone: what it starts gets the value from before, or none. Only
// before there is another thread, and before Spawn().
void SetOwnVariable(const std::string& name, const std::string& value);

// Starts a program in its own process group, with default signal dispositions, nothing blocked,
// /dev/null as standard input and no other descriptor of ours. Returns once the program has been
// executed; a program that cannot be executed is an error: "cannot start /opt/x: No such file or
// directory". Any thread that outlives the child.
//
// REQUIRES: a non-empty command.
absl::StatusOr<SpawnedChild> Spawn(const SpawnOptions& options);

// How a child ended.
struct ChildExit {
  pid_t pid = 0;
  bool signaled = false;
  int number = 0;  // the exit code, or the signal that killed it
  bool operator==(const ChildExit&) const = default;
};

// "exited with 3" or "killed by signal 9 (Killed)".
std::string ToString(const ChildExit& exit);

// Hands every ended child of this process to `on_exit` and then lets go of it. During the call the
// process id is still reserved, so a signal to its process group can reach no stranger. Orphans
// that were adopted (see below) are handed over too. Never blocks.
void ReapChildren(const std::function<void(const ChildExit&)>& on_exit);

// From now on, descendants whose parent ends become our children instead of init's, so that they
// can be reaped.
absl::Status AdoptOrphans();

}  // namespace nodedevice
