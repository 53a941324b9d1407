#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "devicemanager/conformance/changes.h"
#include "devicemanager/conformance/observation.h"
#include "lib/base/process.h"
#include "lib/base/unique_fd.h"

namespace nodedevice::devicemanager::conformance {

// How to start the plugin.
struct PluginCommand {
  std::vector<std::string> arguments;              // [0] is a path
  std::map<std::string, std::string> environment;  // added to ours
};

// One process of the plugin under test and whatever it starts: a process group, which is killed
// with this object. What it prints goes to the end of a file.
class PluginProcess {
 public:
  static absl::StatusOr<std::unique_ptr<PluginProcess>> Start(const PluginCommand& command,
                                                              const std::filesystem::path& log,
                                                              Changes& changes);
  ~PluginProcess();
  PluginProcess(const PluginProcess&) = delete;
  PluginProcess& operator=(const PluginProcess&) = delete;

  pid_t pid() const { return child_.pid; }
  // How it ended; nullopt while it runs.
  std::optional<ChildExit> exit() const;
  void Signal(int signal) const;

  // What its process group holds now. Zeros once it has ended.
  Usage Measure() const;
  // Processes of its group that run, itself included.
  std::vector<pid_t> Running() const;

 private:
  PluginProcess(SpawnedChild child, UniqueFd log, UniqueFd stop, Changes& changes);
  void Follow();

  SpawnedChild child_;
  const UniqueFd log_;
  const UniqueFd stop_;  // an eventfd: the thread is to end
  Changes& changes_;

  mutable std::mutex mutex_;
  std::optional<ChildExit> exit_;  // guarded by mutex_
  std::thread follower_;           // last: uses all of the above
};

}  // namespace nodedevice::devicemanager::conformance
