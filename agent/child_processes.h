#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/event_loop.h"
#include "lib/base/process.h"
#include "lib/base/status.h"

namespace nodedevice {

// The processes that the agent has started: reads their reports, puts what they print into our log
// (a bounded amount of it), signals them, and notices their end. Decides nothing.
//
// Loop thread only, and always the same thread: the processes die with it. Callbacks come from the
// loop and from Reap(), never from Start().
class ChildProcesses {
 public:
  struct Callbacks {
    // A line of its report pipe; of those that came together only the newest, since each is a
    // complete picture. Not called for a process without the pipe.
    std::function<void(std::string_view line)> on_line;
    std::function<void(const ChildExit& exit)> on_exit;  // the last callback
  };

  explicit ChildProcesses(EventLoop& loop);
  // Kills what still runs.
  ~ChildProcesses();
  ChildProcesses(const ChildProcesses&) = delete;
  ChildProcesses& operator=(const ChildProcesses&) = delete;

  // Its process id, or why it could not be started. `name` stands before what it prints.
  absl::StatusOr<int> Start(const std::string& name, const SpawnOptions& options,
                            Callbacks callbacks);

  // A remark of ours about it, in the log where what it prints is. Nothing when it has ended.
  void Note(int pid, std::string_view remark);

  // For its whole process group, and nothing when it has ended.
  void SignalGroup(int pid, int signal) const;

  // To be called on SIGCHLD. What is left of the group of a process that ended is killed: a helper
  // that survives it would keep its devices and sockets.
  void Reap();

 private:
  class Child;

  EventLoop& loop_;
  std::map<int, std::unique_ptr<Child>> children_;  // by process id
};

}  // namespace nodedevice
