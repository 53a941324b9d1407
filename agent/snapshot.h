#pragma once

// What the agent knows, as one value. Metrics, readiness and the page for people are functions of
// it, so they cannot disagree; a new fact goes in here first.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/api/kubelet_report.h"
#include "lib/api/plugin_report.h"
#include "lib/base/clock.h"

namespace nodedevice {

// Where one plugin stands; the rows of Supervisor's table.
enum class PluginPhase {
  kHeld,        // not started: there is no Device Manager, or another process has the resource
  kStarting,    // runs, and has not registered yet
  kRunning,     // registered; an exec plugin: started, and accepted again after a restart
  kStopping,    // was told to end
  kBackingOff,  // ended by itself; will be started again
};
inline constexpr std::array kPluginPhases = {PluginPhase::kHeld, PluginPhase::kStarting,
                                             PluginPhase::kRunning, PluginPhase::kStopping,
                                             PluginPhase::kBackingOff};
const char* ToString(PluginPhase phase);

// Why a plugin had to be started again though nobody asked for it.
enum class RestartReason {
  kExited,         // it ended by itself
  kSignaled,       // a signal killed it
  kStartFailed,    // the program could not be executed
  kStartTimeout,   // it never registered
  kNotRegistered,  // it was registered once, lost that, and did not come back
};
inline constexpr std::array kRestartReasons = {
    RestartReason::kExited, RestartReason::kSignaled, RestartReason::kStartFailed,
    RestartReason::kStartTimeout, RestartReason::kNotRegistered};
const char* ToString(RestartReason reason);
using RestartCounts = std::array<std::uint64_t, kRestartReasons.size()>;

// The counters of one resource.
struct ResourceTotals {
  std::uint64_t registrations_ok = 0;
  std::uint64_t registrations_failed = 0;
  std::uint64_t list_updates = 0;
  std::map<std::string, RpcHistogram> rpc;  // by method

  void Add(const ResourceTotals& other);
  void Add(const ResourceReport& report);
  bool operator==(const ResourceTotals&) const = default;
};

struct PluginStatus {
  std::string name;
  std::string resource_name;
  bool exec = false;  // a foreign program: it reports nothing, what is known is the kubelet's word
  PluginPhase phase = PluginPhase::kHeld;
  TimePoint since;                    // of this phase
  std::optional<TimePoint> deadline;  // when the phase ends by itself
  int pid = 0;                        // 0: no process
  int failures = 0;                   // in a row
  RestartCounts restarts = {};
  std::string last_exit;  // how the last process ended, or why none started; empty: none has
  std::string held_by;    // kHeld: what it waits for
  // exec: whether the kubelet accepts devices of its resource (nullopt: not known), whether it has
  // ever done so while this process ran, and what that means when it is no good news.
  std::optional<bool> accepted = std::nullopt;
  bool was_accepted = false;
  std::string note;
  std::vector<ResourceReport> resources;        // what the living process last reported
  std::map<std::string, ResourceTotals> ended;  // by resource, of the processes before it

  std::uint64_t restarts_for(RestartReason reason) const {
    return restarts[static_cast<std::size_t>(reason)];
  }
  std::uint64_t total_restarts() const {
    return std::accumulate(restarts.begin(), restarts.end(), std::uint64_t{0});
  }
};

struct DeviceManagerStatus {
  bool up = false;
  TimePoint since;  // of being up or down
  std::uint64_t restarts = 0;
  std::string socket;
  std::string problem;  // why it is down
  // What the API says of that, a sentence each; empty without one, or while it has not been asked.
  std::vector<std::string> explanation = {};
};

// What the kubelet says itself about the resources of this configuration.
struct KubeletView {
  bool fresh = false;                            // false: nothing below is known
  std::string error;                             // why not; empty: it has not been asked yet
  std::map<std::string, ResourceUse> resources;  // every one of ours
  std::vector<DeviceHolder> holders;             // of ours, sorted
  bool operator==(const KubeletView&) const = default;
};

struct ConfigStatus {
  std::string source = {};      // the file, or the object of the API
  std::string name = {};        // of the object; empty for a file
  std::string uid = {};         // of the object; empty while there is none
  bool accepted = false;        // one was accepted since the start, and not deleted since
  std::int64_t generation = 0;  // of the one in force
  std::string error = {};       // why the newest one is not in force; empty: it is
  std::string stale = {};  // why a newer one may exist: the API server is away; empty: it is not
  bool operator==(const ConfigStatus&) const = default;
};

// Whether the host is as spec.nodePreparation of the configuration in force asks.
struct PreparationStatus {
  bool asked = false;                // it asks for something
  std::vector<std::string> lacking;  // a sentence each; empty: nothing
  bool operator==(const PreparationStatus&) const = default;
};

// Where two entries of the configuration in force are in each other's way; a sentence each.
struct ConflictStatus {
  std::vector<std::string> devices;     // that two resources announce: device_conflicts.h
  std::vector<std::string> containers;  // what they are given: lib/api/container_conflicts.h
  bool operator==(const ConflictStatus&) const = default;
};

// What the API says of this node; empty without one.
struct NodeInfo {
  std::string kubelet_version;
  bool operator==(const NodeInfo&) const = default;
};

struct Snapshot {
  std::string version;
  TimePoint started;
  TimePoint looked_at;  // when the loop last looked around; old when it hangs
  bool stopping = false;
  ConfigStatus config;
  NodeInfo node;
  PreparationStatus preparation;
  ConflictStatus conflicts;
  DeviceManagerStatus device_manager;
  KubeletView kubelet;
  std::vector<PluginStatus> plugins;  // by name
};

// The value of nodedevice_plugin_up: it runs and is registered. Of a foreign plugin that is the
// kubelet's word: it is not, when the kubelet is known to accept nothing of a resource of which it
// did accept something from this process. One that never had a device is not blamed for it.
bool IsUp(const PluginStatus& plugin);

// What of `report` (nullptr: there is none) concerns the plugins of `snapshot`. A Device Manager
// that is down says nothing, whatever it said before.
KubeletView ViewOf(const KubeletReport* report, const Snapshot& snapshot);

// All sentences of `conflicts`; empty: nothing is in anything's way.
std::vector<std::string> SentencesOf(const ConflictStatus& conflicts);

// True when every resource of the report is followed by the kubelet. A plugin that has nothing to
// announce has nothing to register.
bool IsRegistered(const std::vector<ResourceReport>& resources);

// True when a resource of the report is not to be registered yet, as its entry wants it.
bool IsHeldBack(const std::vector<ResourceReport>& resources);

}  // namespace nodedevice
