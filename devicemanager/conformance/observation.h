#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/process.h"
#include "proto/deviceplugin.pb.h"

// What was seen of a plugin while a kubelet was played for it: values only. The rules judge them;
// the player makes them. Durations are what somebody waited, not times of day.
namespace nodedevice::devicemanager::conformance {

// What is being played. Each has its rules.
enum class Stage {
  kStart,          // the plugin is started where a kubelet serves
  kCalls,          // what a kubelet asks while pods are admitted
  kHotplug,        // a device is taken away and put back
  kRestart,        // the kubelet is killed and back in a moment
  kRefusing,       // the kubelet is down for a while and kubelet.sock refuses
  kSlowKubelet,    // Register is answered late
  kRefusedOnce,    // the first Register of each resource fails
  kCut,            // the kubelet cancels ListAndWatch
  kSocketRemoved,  // somebody removes the plugin's own socket
  kGrowth,         // many restarts of the kubelet
  kOverlap,        // a second instance starts, then the first one ends
  kStop,           // SIGTERM
  kBeforeKubelet,  // the plugin is started where no kubelet is yet
};

// How a call of the plugin ended.
struct Outcome {
  enum class Kind { kAnswered, kRefused, kTimedOut };
  Kind kind = Kind::kAnswered;
  std::string error = {};  // "rpc error: code = ..."
  Duration took = Duration::zero();
  bool ok() const { return kind == Kind::kAnswered; }
};

struct Options {
  bool pre_start_required = false;
  bool preferred_allocation_available = false;
  bool operator==(const Options&) const = default;
};

// One Register call, and what came of dialling back before it was answered.
struct Registration {
  Stage stage = Stage::kStart;
  std::string version = "v1beta1";
  std::string endpoint = "plugin.sock";
  std::string resource = "example.com/thing";
  std::optional<Options> told = {};  // in the request; kubelets ignore it
  bool served_at_once = true;        // somebody listened on the endpoint when the call came
  bool streaming_already = false;    // a stream of the same resource was open then
  bool turned_away = false;          // it was refused for the scenario's sake; nothing was dialled
  std::optional<Outcome> dialled = Outcome();  // nullopt: refused before that
  std::optional<Outcome> asked = Outcome();    // GetDevicePluginOptions; nullopt: not reached
  Options options = {};                        // its answer
};

// One attempt to register a plugin that listens on a socket of its own in plugins_registry.
// Outcomes are nullopt where the attempt did not get so far.
struct Discovery {
  Stage stage = Stage::kStart;
  std::string socket = "plugin.sock";  // below plugins_registry
  Outcome asked = {};                  // GetInfo; what follows is its answer
  std::string type = "DevicePlugin";
  std::string resource = "example.com/thing";
  std::string endpoint = {};
  std::vector<std::string> versions = {"v1beta1"};
  bool turned_away = false;  // refused for the scenario's sake; nothing was dialled
  std::optional<Outcome> dialled = Outcome();        // the endpoint
  std::optional<Outcome> options_asked = Outcome();  // GetDevicePluginOptions
  std::optional<Outcome> told = Outcome();           // NotifyRegistrationStatus
};

struct ListedDevice {
  std::string id;
  std::string health = "Healthy";
  std::vector<std::int64_t> numa_nodes = {};
  bool operator==(const ListedDevice&) const = default;
};

using DeviceList = std::vector<ListedDevice>;

// One ListAndWatch call.
struct Stream {
  Stage stage = Stage::kStart;  // in which it was opened
  std::string resource = "example.com/thing";
  std::optional<Duration> first_list_after = Duration::zero();
  Duration watched = Duration::zero();  // how long it was open, so far or until its end
  std::vector<DeviceList> lists = {};
};

// One Allocate call with one container, as a kubelet makes it.
struct AllocateCall {
  enum class Kind {
    kHealthy,    // ids that the plugin lists as healthy
    kReordered,  // the ids of the call before, in another order or once more
    kUnknown,    // an id that it does not list
    kUnhealthy,  // an id that it lists as unhealthy
  };
  Kind kind = Kind::kHealthy;
  std::string resource = "example.com/thing";
  std::vector<std::string> ids = {};
  Outcome outcome = {};
  v1beta1::AllocateResponse response = {};
};

// One GetPreferredAllocation call with one container.
struct PreferredCall {
  enum class Kind {
    kPossible,
    kReordered,   // the call before with its ids in another order
    kImpossible,  // more than there is; no kubelet asks so
  };
  Kind kind = Kind::kPossible;
  std::string resource = "example.com/thing";
  std::vector<std::string> available = {};
  std::vector<std::string> must_include = {};
  int size = 1;
  Outcome outcome = {};
  std::vector<std::string> ids = {};  // the first container's answer
};

struct PreStartCall {
  std::string resource = "example.com/thing";
  Outcome outcome = {};
};

// Something happened after which a plugin has to register again. How long after it each resource
// was registered and listed; nullopt: not within `patience`.
struct Comeback {
  Stage stage = Stage::kRestart;
  std::map<std::string, std::optional<Duration>> resources = {};
  Duration patience = std::chrono::seconds(20);
  std::vector<ChildExit> ended = {};  // processes that ended over it and were started again
};

// The plugin's process ended although nobody had told it to, and no kubelet had gone.
struct Death {
  Stage stage = Stage::kCalls;
  bool impossible_request = false;  // in answer to a call that no kubelet makes
  std::string doing = {};           // "Allocate of [a]"
  ChildExit exit = {};
};

// A device was taken away and put back.
struct Hotplug {
  std::string path;
  Duration patience = std::chrono::seconds(20);
  std::optional<Duration> removal_listed = {};
  std::optional<Duration> return_listed = {};
};

// What the plugin's processes hold.
struct Usage {
  int descriptors = 0;
  int threads = 0;
  int private_kib = 0;
  bool operator==(const Usage&) const = default;
};

// The plugin registered again and again. The first tenth warms it up: `before` comes after that.
struct Growth {
  int registrations = 0;  // between `before` and `after`, of one resource
  Duration took = Duration::zero();
  Usage before = {};
  Usage after = {};
  bool gave_up = false;          // it came to an end because the plugin did not come back
  bool process_changed = false;  // it ends at a restart of the kubelet, and so holds nothing
};

// Two instances at once; then the first one gets SIGTERM.
struct Overlap {
  // resource -> the endpoints of the first and of the second instance.
  std::map<std::string, std::pair<std::string, std::string>> endpoints = {};
  std::optional<ChildExit> second_ended = {};  // it ended at once, without having registered
};

// SIGTERM.
struct Stop {
  std::optional<Duration> ended_after = Duration::zero();  // nullopt: not within `grace`
  Duration grace = std::chrono::seconds(10);
  ChildExit exit = {};
  std::vector<std::string> sockets_left = {};
  bool was_in_registry = false;                 // registered by a socket in plugins_registry
  std::vector<std::string> registry_left = {};  // sockets there
  bool streams_ended = true;
  bool listed_nothing_last = false;  // an empty list came before the end
  int processes_left = 0;            // of its process group
};

// Everything. What was not played is empty.
struct Observation {
  std::vector<Registration> registrations = {};
  std::vector<Discovery> discoveries = {};
  std::vector<Stream> streams = {};
  std::vector<AllocateCall> allocations = {};
  std::vector<PreferredCall> preferences = {};
  std::vector<PreStartCall> pre_starts = {};
  std::vector<Comeback> comebacks = {};
  std::vector<Death> deaths = {};
  std::optional<Hotplug> hotplug = {};
  std::optional<Growth> growth = {};
  std::optional<Overlap> overlap = {};
  std::optional<Stop> stop = {};
};

}  // namespace nodedevice::devicemanager::conformance
