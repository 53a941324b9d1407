#include "lib/kube/lease_times.h"

#include "absl/strings/str_format.h"

namespace nodedevice {
namespace {

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

LeaseTimes LeaseTimes::OfSingleNode() {
  LeaseTimes times;
  times.lease_ = std::chrono::seconds(270);
  times.renew_ = std::chrono::seconds(240);
  times.retry_ = std::chrono::seconds(60);
  return times;
}

absl::StatusOr<LeaseTimes> LeaseTimes::Of(std::chrono::seconds lease, Duration renew,
                                          Duration retry) {
  // In this order: what is within the longest lease can be multiplied.
  if (lease > kLongest || renew >= lease || retry <= Duration::zero() || retry >= renew ||
      retry * 12 >= renew * 10) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "a lease of %d s that is renewed within %g s, every %g s, cannot be: the lease must be at "
        "most %d s and longer than the time to renew it, which must be more than 1.2 times the "
        "time between two tries",
        lease.count(), Seconds(renew), Seconds(retry), kLongest.count()));
  }
  LeaseTimes times;
  times.lease_ = lease;
  times.renew_ = renew;
  times.retry_ = retry;
  return times;
}

}  // namespace nodedevice
