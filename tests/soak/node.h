#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace nodedevice::soak {

// What an entry of the configuration may be. Device number n of the entry "tty" is /dev/tty<n>.
struct EntryKind {
  std::string_view name;
  int devices;  // how many there may be
  // True: family static, which announces every device, there or not. False: paths, which announces
  // those that its process has seen.
  bool is_static;
  bool is_base;   // always configured
  bool at_first;  // configured, with every device there, when the soak begins
};

inline constexpr std::array<EntryKind, 4> kEntries = {{{"tty", 6, false, true, true},
                                                       {"part", 4, true, true, true},
                                                       {"cam", 4, false, false, true},
                                                       {"aux", 3, true, false, false}}};

// Where the agent has its configuration from.
enum class Source { kFile, kApi };

// Ids of devices as this model spells them: "tty3", or "tty3::1" of a shared one.
using Ids = std::set<std::string>;
using ByEntry = std::map<std::string, Ids>;
using ByContainer = std::map<std::string, ByEntry>;
// What every pod holds; a pod's name is its uid, too.
using Pods = std::map<std::string, ByContainer>;
// How many devices of which entry each container asks for.
using Asked = std::map<std::string, std::map<std::string, int>>;

// What must be the case on the fake node, as the steps that were played have made it. A value; what
// only the kubelet can decide, which devices a pod gets, is told to it by Admitted().
struct Node {
  struct Entry {
    bool configured = false;
    int replicas = 1;
    int revision = 0;       // of what its containers are told; another one is another process
    std::set<int> plugged;  // device nodes that exist
    std::set<int> seen;     // by the process of the plugin
    int kills = 0;          // of its process, in this life of the agent
    bool operator==(const Entry&) const = default;
  };

  Source source = Source::kFile;
  std::map<std::string, Entry> entries;
  Pods pods;
  int next_pod = 1;
  int observer_kills = 0;  // in this life of the agent

  // As at the beginning: the entries of kEntries with all of their devices, no pod.
  static Node First(Source source);

  // ---- questions ---------------------------------------------------------------------------

  // What the kubelet must know of an entry; both empty when it is not configured.
  Ids Announced(const std::string& entry) const;
  Ids Healthy(const std::string& entry) const;
  // What pods hold of it, configured or not.
  Ids InUse(const std::string& entry) const;
  // What may still be given to a pod.
  Ids Free(const std::string& entry) const;
  bool Fits(const Asked& asked) const;
  int Configured() const;
  // Every device is there, nothing is held, and the configuration is that of the beginning: a state
  // in which figures can be compared.
  bool IsFirst() const;

  // The DevicePluginConfig as a document.
  nlohmann::json Config() const;
  // The same with a mistake in it.
  nlohmann::json BadConfig() const;

  // ---- what happens ------------------------------------------------------------------------

  void Plug(const std::string& entry, int device);
  void Unplug(const std::string& entry, int device);
  // The entry is served by another process from now on, which has seen what is there.
  void StartPlugin(const std::string& entry);
  void StartAgent(Source from);
  void Configure(const std::string& entry, int replicas, int revision);
  void Remove(const std::string& entry);
  // The kubelet has given these to the pod. Empty when that is in order, else what is wrong:
  // another number than was asked for, devices that are not healthy, or those of another pod.
  std::string Admitted(const std::string& pod, const Asked& asked, const ByContainer& given);
  void Delete(const std::string& pod) { pods.erase(pod); }

  // The pod that lives on when the kubelet is ended and started: the first of which every device is
  // healthy; "": none. Such a kubelet takes every pod that it is not told of for gone as soon as it
  // admits one, and ours has no API server that would tell it of all of them at once.
  std::string Survivor() const;

  bool operator==(const Node&) const = default;
};

// "example.com/tty" and back; "" for a resource of somebody else.
std::string ResourceOf(const std::string& entry);
std::string EntryOf(const std::string& resource);
const EntryKind& KindOf(const std::string& entry);

// An id as it stands in the protocol ("tty3-a1b2c3d4e5f6::1"), as this model spells it ("tty3::1").
std::string Spelled(const std::string& id);

// "tty3, tty4" for messages.
std::string Text(const Ids& ids);

}  // namespace nodedevice::soak
