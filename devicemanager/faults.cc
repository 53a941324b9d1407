#include "devicemanager/faults.h"

#include <array>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace nodedevice::devicemanager {
namespace {

struct Switch {
  std::string_view name;
  bool Faults::*member;
};

constexpr std::array<Switch, 3> kSwitches = {{{"refuse-dial", &Faults::refuse_dial},
                                              {"old-stream-race", &Faults::old_stream_race},
                                              {"refuse-duplicates", &Faults::refuse_duplicates}}};

constexpr std::array<std::pair<std::string_view, Rpc>, 7> kDelays = {
    {{"slow-register", Rpc::kRegister},
     {"slow-get-options", Rpc::kGetOptions},
     {"slow-list-and-watch", Rpc::kListAndWatch},
     {"slow-get-preferred", Rpc::kGetPreferred},
     {"slow-allocate", Rpc::kAllocate},
     {"slow-pre-start", Rpc::kPreStart},
     {"slow-pod-resources", Rpc::kPodResources}}};

absl::Status Bad(std::string_view name, std::string_view value, std::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(name), ": '", std::string(value), "' is not ", std::string(wanted)));
}

absl::Status SetDelay(std::string_view name, std::string_view value, Duration& delay) {
  if (value == "off") {
    delay = Duration::zero();
  } else if (value == "hang") {
    delay = kHang;
  } else {
    const absl::StatusOr<Duration> time = ParseTime(value);
    if (!time.ok()) return Bad(name, value, "off, hang or a time such as 3s, at most a day");
    delay = *time;
  }
  return absl::OkStatus();
}

std::string Names() {
  std::string names;
  for (const Switch& known : kSwitches) absl::StrAppend(&names, std::string(known.name), ", ");
  return names + absl::StrJoin(kDelays, ", ", [](std::string* out, const auto& known) {
           out->append(known.first);
         });
}

std::string TimeText(Duration time) {
  return time == kHang ? "hang" : absl::FormatDuration(absl::FromChrono(time));
}

}  // namespace

Duration Faults::DelayOf(Rpc rpc) const {
  const auto found = delays.find(rpc);
  return found == delays.end() ? Duration::zero() : found->second;
}

absl::Status SetFault(std::string_view name, std::string_view value, Faults& faults) {
  for (const Switch& known : kSwitches) {
    if (name != known.name) continue;
    if (value != "on" && value != "off") return Bad(name, value, "on or off");
    faults.*known.member = value == "on";
    return absl::OkStatus();
  }
  for (const auto& [known, rpc] : kDelays) {
    if (name == known) return SetDelay(name, value, faults.delays[rpc]);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", std::string(name), "' is not a fault; there are ", Names()));
}

nlohmann::ordered_json ToJson(const Faults& faults) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  const Faults healthy;
  for (const Switch& known : kSwitches) {
    const bool value = faults.*known.member;
    if (value != healthy.*known.member) json[std::string(known.name)] = value ? "on" : "off";
  }
  for (const auto& [name, rpc] : kDelays) {
    const Duration delay = faults.DelayOf(rpc);
    if (delay != Duration::zero()) json[std::string(name)] = TimeText(delay);
  }
  return json;
}

absl::StatusOr<Duration> ParseTime(std::string_view text) {
  absl::Duration time;
  if (!absl::ParseDuration(absl::string_view(text.data(), text.size()), &time) ||
      time < absl::ZeroDuration() || time > absl::Hours(24)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", std::string(text), "' is not a time such as 5m, at most a day"));
  }
  return absl::ToChronoNanoseconds(time);
}

}  // namespace nodedevice::devicemanager
