#include "lib/base/duration_text.h"

#include <chrono>
#include <cstdint>
#include <ratio>

#include "absl/strings/str_cat.h"

namespace nodedevice {

std::string DurationText(Duration duration) {
  using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;
  const auto days = std::chrono::duration_cast<Days>(duration).count();
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(duration).count();
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(duration).count();
  if (days > 0) return absl::StrCat(days, " d ", hours % 24, " h");
  if (hours > 0) return absl::StrCat(hours, " h ", minutes % 60, " min");
  if (minutes > 0) return absl::StrCat(minutes, " min");
  return absl::StrCat(std::chrono::duration_cast<std::chrono::seconds>(duration).count(), " s");
}

}  // namespace nodedevice
