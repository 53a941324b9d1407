#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager {

// A remote call that a Device Manager answers or makes.
enum class Rpc {
  kRegister,
  kGetOptions,
  kListAndWatch,
  kGetPreferred,
  kAllocate,
  kPreStart,
  kPodResources,
};

// A call with this delay does not come before the switch is set to something else.
inline constexpr Duration kHang = Duration::max();

// How the Device Manager misbehaves, or behaves as another version of the kubelet. A value; each
// member can be set while it runs, and holds for what begins after that.
struct Faults {
  // Plugins are not reached: Register fails as when nobody listened on their sockets.
  bool refuse_dial = false;
  // The end of an older stream takes the newer registration of its resource with it, as in 1.36.
  bool old_stream_race = true;
  // Register refuses a resource whose plugin is connected at the same socket path, as newer
  // kubelets.
  bool refuse_duplicates = false;
  // How long a call waits before it is answered, or made.
  std::map<Rpc, Duration> delays = {};

  // Zero when there is none.
  Duration DelayOf(Rpc rpc) const;
  bool operator==(const Faults&) const = default;
};

// Sets the switch `name` (refuse-dial, old-stream-race, refuse-duplicates: on or off; slow-register
// and the like: a time such as 3s, hang or off). The errors say which names and values there are.
absl::Status SetFault(std::string_view name, std::string_view value, Faults& faults);

// {name: value} of every switch that is not as in a healthy kubelet 1.36.
nlohmann::ordered_json ToJson(const Faults& faults);

// "5m", "1h30m", "500ms": a time of at most a day.
absl::StatusOr<Duration> ParseTime(std::string_view text);

}  // namespace nodedevice::devicemanager
