#pragma once

// What an election reads from a Lease of coordination.k8s.io/v1, and the leases that it writes. The
// object is untrusted: whoever may edit it can put anything there, and reading never fails.

#include <chrono>
#include <optional>
#include <string>

#include "lib/kube/api_time.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

struct LeaseRecord {
  enum class State {
    kNeverHeld,  // it says nothing of a holder, now or before
    kReleased,   // its last holder gave it back: no holder, and a duration of 1
    kHeld,       // by `holder`, or by somebody when what it says makes no sense
  };
  State state = State::kNeverHeld;
  std::string holder = {};  // empty: nobody, or it makes no sense
  // At most LeaseTimes::kLongest; nullopt: none, or it makes no sense.
  std::optional<std::chrono::seconds> duration = {};
  bool operator==(const LeaseRecord&) const = default;
};

LeaseRecord ReadLease(const nlohmann::json& lease);

// Each of these keeps what it does not know of the object, its resourceVersion included: a server
// refuses it when somebody else was faster.

nlohmann::json NewLease(const std::string& name_space, const std::string& name,
                        const std::string& identity, std::chrono::seconds duration, WallTime now);
// With another holder than before.
nlohmann::json TakenLease(nlohmann::json lease, const std::string& identity,
                          std::chrono::seconds duration, WallTime now);
// With the same holder. It always differs from the one before, though the clock on the wall may
// stand: the server gives no new resourceVersion to what is the same.
nlohmann::json RenewedLease(nlohmann::json lease, const std::string& identity,
                            std::chrono::seconds duration, WallTime now);
nlohmann::json ReleasedLease(nlohmann::json lease, WallTime now);

}  // namespace nodedevice
