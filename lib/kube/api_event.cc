#include "lib/kube/api_event.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "lib/base/duration_text.h"
#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxNote = 1024;
constexpr std::size_t kMaxHeldBack = 64;  // what the throttle adds to a note, at most
constexpr std::size_t kMaxInstance = 128;
constexpr std::size_t kMaxNamePrefix = 200;
constexpr std::size_t kMostKinds = 1024;

// What the names of events begin with: no part of a name may end with a dot or a dash.
std::string NamePrefix(std::string name) {
  name.resize(std::min(name.size(), kMaxNamePrefix));
  while (name.ends_with('.') || name.ends_with('-')) name.pop_back();
  return name;
}

}  // namespace

nlohmann::json RenderEvent(const ApiEvent& event, const EventReporter& reporter,
                           const nlohmann::json& regarding, WallTime now, std::int64_t number) {
  const auto moment =
      std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  return {{"apiVersion", "events.k8s.io/v1"},
          {"kind", "Event"},
          {"metadata",
           {{"name",
             absl::StrCat(NamePrefix(TextAt(regarding, "/name")), ".", absl::Hex(moment + number))},
            {"namespace", "default"}}},
          {"eventTime", MicroTime(now)},
          {"type", event.warning ? "Warning" : "Normal"},
          {"reason", event.reason},
          {"action", event.action},
          {"note", Utf8Prefix(event.note, kMaxNote)},
          {"regarding", regarding},
          {"reportingController", reporter.controller},
          {"reportingInstance", Utf8Prefix(reporter.instance, kMaxInstance)}};
}

bool EventThrottle::Admit(ApiEvent& event, TimePoint now) {
  event.note.resize(Utf8Prefix(event.note, kMaxNote - kMaxHeldBack).size());
  const auto [seen, fresh] = seen_.try_emplace({event.reason, event.about}, Seen{.told = now});
  if (fresh) {
    if (seen_.size() > kMostKinds) {
      std::erase_if(seen_, [now](const auto& kind) { return now - kind.second.told > kWindow; });
    }
    return true;
  }
  if (now - seen->second.told < kWindow) {
    ++seen->second.held_back;
    return false;
  }
  if (seen->second.held_back > 0) {
    absl::StrAppend(&event.note, " (", seen->second.held_back, " more in the last ",
                    DurationText(now - seen->second.told), ")");
  }
  seen->second = {.told = now};
  return true;
}

}  // namespace nodedevice
