#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace nodedevice::bench {

// What the kernel says about a process: /proc/PID/status, and schedstat of its threads.
struct ProcessUse {
  std::int64_t private_kib = 0;   // RssAnon
  std::int64_t resident_kib = 0;  // VmRSS
  std::int64_t threads = 0;
  Duration cpu{};  // user and system, of the threads that live, as the scheduler counts it
};

// From the text of these files; the error names the field that is missing.
absl::StatusOr<ProcessUse> ParseProcessUse(absl::string_view status,
                                           const std::vector<std::string>& schedstats);

// A device plugin as a process of its own, with nothing of ours open in it: /dev/null as its input,
// a file for its output. Killed, if it still runs, at the end of the object. One thread.
class PluginProcess {
 public:
  // `command[0]` is looked up in PATH.
  static absl::StatusOr<PluginProcess> Start(const std::vector<std::string>& command,
                                             const std::filesystem::path& log);
  PluginProcess(PluginProcess&& other) noexcept;
  PluginProcess& operator=(PluginProcess&&) = delete;
  ~PluginProcess();

  // Just before it was made.
  TimePoint started() const { return started_; }

  absl::StatusOr<ProcessUse> Use() const;
  // With the processes that it started, and those that they did.
  absl::StatusOr<ProcessUse> UseOfAll() const;

  // It ended by itself.
  bool ended() const { return WaitForEnd(Duration::zero()); }

  // Sends SIGTERM and says how long the process took to end. An error when it ended by itself
  // before or needed more than `limit`.
  absl::StatusOr<Duration> Terminate(Duration limit);

 private:
  PluginProcess(pid_t pid, UniqueFd handle, TimePoint started)
      : pid_(pid), handle_(std::move(handle)), started_(started) {}

  bool WaitForEnd(Duration limit) const;
  void Reap();

  pid_t pid_;  // 0: reaped or moved from
  UniqueFd handle_;
  TimePoint started_;
};

}  // namespace nodedevice::bench
