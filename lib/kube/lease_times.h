#pragma once

#include "lib/base/clock.h"
#include "lib/base/status.h"

namespace nodedevice {

// The three times of a leader election (contracts/openshift.md 2.5), checked: who has one has times
// by which two can never lead at once, clocks that run at the same speed assumed.
class LeaseTimes {
 public:
  // No elector of ours has a longer lease: what an object says beyond it is nonsense.
  static constexpr std::chrono::seconds kLongest = std::chrono::hours(1);

  // For a cluster whose API server may be away for a minute while it is upgraded.
  LeaseTimes() = default;
  // For a cluster of one node, whose API server is away as long as the node reboots.
  static LeaseTimes OfSingleNode();
  // kInvalidArgument unless kLongest >= lease > renew > 1.2 * retry > 0.
  static absl::StatusOr<LeaseTimes> Of(std::chrono::seconds lease, Duration renew, Duration retry);

  // How long the others leave a record alone after they saw it change.
  std::chrono::seconds lease() const { return lease_; }
  // How long a leader leads without a renewal.
  Duration renew() const { return renew_; }
  // How long to wait between two looks at the lease, and up to a fifth more.
  Duration retry() const { return retry_; }

  bool operator==(const LeaseTimes&) const = default;

 private:
  std::chrono::seconds lease_{137};
  Duration renew_ = std::chrono::seconds(107);
  Duration retry_ = std::chrono::seconds(26);
};

}  // namespace nodedevice
