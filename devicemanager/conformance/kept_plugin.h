#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "devicemanager/conformance/changes.h"
#include "devicemanager/conformance/observation.h"
#include "devicemanager/conformance/played_kubelet.h"
#include "devicemanager/conformance/plugin_process.h"
#include "lib/base/event_loop.h"
#include "lib/kubelet/paths.h"

namespace nodedevice::devicemanager::conformance {

struct KeptPluginSettings {
  PluginCommand command;
  KubeletPaths paths;
  std::filesystem::path log;  // what the plugin prints goes to its end
  Duration patience = std::chrono::seconds(20);
};

// The plugin under test beside the kubelet that is played for it. Like a DaemonSet it starts the
// plugin again whenever that ends, at most five times over one event and from the second time on a
// second later each; and it waits for what should come back. Scenarios make things happen; this
// sees to it that there is a plugin for each of them to happen to.
//
// One thread, not the loop's; the loop must run meanwhile. Waiting ends early, with the answer for
// "it did not come", once `changes` is interrupted.
class KeptPlugin {
 public:
  KeptPlugin(EventLoop& loop, KeptPluginSettings settings, Changes& changes,
             std::function<void(const std::string&)> say);

  // Starts the kubelet, then the plugin, and waits for its first Register, or for its answer on a
  // socket in plugins_registry, and for the lists of its resources, which are what every later
  // comeback is measured by. An error: it did not start, or neither of the two came within the
  // limit (kDeadlineExceeded), or it ended before (kFailedPrecondition), or somebody interrupted
  // (kCancelled).
  absl::Status Begin(Duration start_limit);

  // Ready for a scenario, told to people as `what`: the plugin runs and every resource is
  // registered, if need be by starting it anew. False when that cannot be had, which is noted as a
  // comeback that did not come, or when nobody wants to go on.
  bool Ready(Stage stage, const std::string& what);

  // Adds the comeback of every resource after `begin`: a newer registration than `since`, and what
  // else has to be true.
  void AwaitComeback(
      Stage stage, std::uint64_t since, TimePoint begin,
      const std::function<bool()>& settled = [] { return true; });

  // Waits for the fact, and starts the plugin again whenever it ends; how it ended is added to
  // `ended`. True when the fact holds.
  bool Supervise(const std::function<bool()>& fact, Duration limit, std::vector<ChildExit>* ended);
  // Waits without starting anything again. True when the fact holds.
  bool WaitFor(const std::function<bool()>& fact, Duration limit) {
    return changes_.WaitFor(fact, limit);
  }
  // Lets that much time pass.
  void Hold(Duration duration);

  // Adds a death if the plugin has ended, and starts it anew.
  void NoteDeath(Stage stage, const std::string& doing, bool impossible_request);
  // Kills it and starts it anew. True when all its resources are back within the patience.
  bool Recover();

  // One more process of the plugin, beside the one that is kept.
  absl::Status Launch(std::unique_ptr<PluginProcess>* process) const;
  // From now on that one is kept; the one before is killed. nullptr: none is.
  void Keep(std::unique_ptr<PluginProcess> process) { process_ = std::move(process); }
  // The plugin's process. One must be kept.
  PluginProcess& process() { return *process_; }
  bool ended() const { return process_->exit().has_value(); }

  // Since that registration, 0 for ever, the resource was registered, streams and has a list.
  bool IsBack(const std::string& resource, std::uint64_t since) const;
  bool AllBack(std::uint64_t since) const;
  // Every resource streams and nothing has come for half a second.
  bool Quiet() const;

  void Say(const std::string& what) const { say_(what); }
  bool interrupted() const { return changes_.interrupted(); }
  PlayedKubelet& kubelet() { return kubelet_; }
  const KubeletPaths& paths() const { return settings_.paths; }
  Duration patience() const { return settings_.patience; }
  // The resources that it is known to have.
  const std::set<std::string>& expected() const { return expected_; }
  // It has called Register, or has a socket in plugins_registry; a plugin may do both.
  bool calls_register() const { return !kubelet_.Registrations().empty(); }
  bool in_registry() const { return !kubelet_.Discoveries().empty(); }
  // Where scenarios put what they saw.
  Observation& seen() { return seen_; }

  // Ends the plugin and the kubelet, and hands over everything that was seen. Last.
  Observation End();

 private:
  EventLoop& loop_;
  const KeptPluginSettings settings_;
  Changes& changes_;
  const std::function<void(const std::string&)> say_;
  PlayedKubelet kubelet_;
  Observation seen_;
  std::set<std::string> expected_;
  std::unique_ptr<PluginProcess> process_;
};

}  // namespace nodedevice::devicemanager::conformance
