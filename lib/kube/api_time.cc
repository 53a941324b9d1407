#include "lib/kube/api_time.h"

#include "absl/time/time.h"

namespace nodedevice {

std::string ApiTime(WallSeconds time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromUnixSeconds(time.time_since_epoch().count()),
                          absl::UTCTimeZone());
}

WallSeconds ReadApiTime(const std::string& text) {
  absl::Time time;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return {};
  return std::chrono::floor<std::chrono::seconds>(absl::ToChronoTime(time));
}

std::string MicroTime(WallTime when) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromChrono(when), absl::UTCTimeZone());
}

}  // namespace nodedevice
