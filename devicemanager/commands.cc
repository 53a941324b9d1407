#include "devicemanager/commands.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "devicemanager/faults.h"
#include "devicemanager/pod.h"
#include "devicemanager/status_report.h"

namespace nodedevice::devicemanager {
namespace {

constexpr double kMaxSeconds = 24.0 * 3600;

absl::StatusOr<std::string> ReadString(const ControlJson& request, const char* key) {
  const auto found = request.find(key);
  if (found == request.end() || !found->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("the request has no string '", key, "'"));
  }
  return found->get<std::string>();
}

absl::StatusOr<Duration> ReadSeconds(const ControlJson& request, const char* key) {
  const auto found = request.find(key);
  if (found == request.end()) return Duration::zero();
  if (!found->is_number() || found->get<double>() < 0 || found->get<double>() > kMaxSeconds) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", key, "' of the request is not a number of seconds, at most a day"));
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(found->get<double>()));
}

absl::StatusOr<Wants> ReadWants(const ControlJson& request) {
  Wants wants;
  const auto found = request.find("wait");
  if (found == request.end()) return wants;
  if (!found->is_object()) return absl::InvalidArgumentError("'wait' of the request is not a map");
  for (const auto& [resource, count] : found->items()) {
    const bool fits = count.is_number_integer() && count.get<std::int64_t>() >= 0 &&
                      count.get<std::int64_t>() <= std::numeric_limits<int>::max();
    if (!fits) {
      return absl::InvalidArgumentError(
          absl::StrCat("'wait' of ", resource, " is not a number of devices"));
    }
    wants[resource] = count.get<int>();
  }
  return wants;
}

}  // namespace

Commands::Commands(NodeState& state, PluginConnections& plugins, Admitter& admitter,
                   std::function<void(Duration)> restart)
    : state_(state), plugins_(plugins), admitter_(admitter), restart_(std::move(restart)) {}

absl::StatusOr<ControlJson> Commands::Handle(const ControlJson& request) {
  ASSIGN_OR_RETURN(const std::string command, ReadString(request, "command"));
  if (command == "status") return Status(request);
  if (command == "admit") return Admit(request);
  if (command == "delete") return Delete(request);
  if (command == "restart") return Restart(request);
  if (command == "advance") return Advance(request);
  if (command == "metrics") return Metrics();
  if (command == "fault") return Fault(request);
  return absl::InvalidArgumentError(absl::StrCat("unknown command '", command, "'"));
}

absl::StatusOr<ControlJson> Commands::Status(const ControlJson& request) {
  ASSIGN_OR_RETURN(const Wants wants, ReadWants(request));
  ASSIGN_OR_RETURN(const Duration timeout, ReadSeconds(request, "timeoutSeconds"));
  state_.WaitUntil([&](const State& state) { return Satisfied(state, wants); },
                   Clock::now() + timeout);
  return state_.Read([&](const State& state) {
    ControlJson status = StatusJson(state);
    if (std::string missing = Missing(state, wants); !missing.empty()) {
      status["missing"] = std::move(missing);
    }
    return status;
  });
}

absl::StatusOr<ControlJson> Commands::Admit(const ControlJson& request) {
  ASSIGN_OR_RETURN(const std::string manifest, ReadString(request, "manifest"));
  ASSIGN_OR_RETURN(Pod pod, ParsePod(manifest));
  ASSIGN_OR_RETURN(const Admission admission, admitter_.Admit(std::move(pod)));
  return ControlJson{{"running", admission.running()}, {"admission", ToJson(admission)}};
}

absl::StatusOr<ControlJson> Commands::Delete(const ControlJson& request) {
  ASSIGN_OR_RETURN(const std::string namespace_name, ReadString(request, "namespace"));
  ASSIGN_OR_RETURN(const std::string pod, ReadString(request, "pod"));
  RETURN_IF_ERROR(admitter_.Delete(namespace_name, pod));
  return ControlJson::object();
}

absl::StatusOr<ControlJson> Commands::Restart(const ControlJson& request) {
  ASSIGN_OR_RETURN(const Duration down, ReadSeconds(request, "downSeconds"));
  const int before = state_.Read([](const State& state) { return state.starts; });
  restart_(down);
  const bool again = state_.WaitUntil([&](const State& state) { return state.starts > before; },
                                      Clock::now() + down + std::chrono::minutes(1));
  if (!again) return absl::UnavailableError("device-manager did not begin to serve again");
  return ControlJson::object();
}

absl::StatusOr<ControlJson> Commands::Advance(const ControlJson& request) {
  ASSIGN_OR_RETURN(const std::string text, ReadString(request, "time"));
  ASSIGN_OR_RETURN(const Duration time, ParseTime(text));
  const Duration ahead = state_.Change([&](State& state) { return state.clock_ahead += time; });
  // At once what would be seen at the next look.
  state_.ForgetExpired();
  return ControlJson{{"aheadSeconds", Seconds(ahead)}};
}

absl::StatusOr<ControlJson> Commands::Metrics() {
  const KubeletMetrics metrics = state_.Read([](const State& state) { return state.metrics; });
  return ControlJson{{"text", MetricsText(metrics)}};
}

absl::StatusOr<ControlJson> Commands::Fault(const ControlJson& request) {
  if (request.contains("name")) {
    ASSIGN_OR_RETURN(const std::string name, ReadString(request, "name"));
    ASSIGN_OR_RETURN(const std::string value, ReadString(request, "value"));
    RETURN_IF_ERROR(Cause(name, value));
  }
  return state_.Read([](const State& state) {
    return ControlJson{{"faults", ToJson(state.faults)}};
  });
}

absl::Status Commands::Cause(const std::string& name, const std::string& value) {
  if (name == "drop-stream") {
    return plugins_.DropStreams(value.empty() ? std::nullopt : std::optional(value));
  }
  const bool alone = name == "lose-checkpoint" || name == "corrupt-checkpoint" || name == "none";
  if (alone && !value.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " takes no value"));
  }
  if (name == "lose-checkpoint") return state_.LoseCheckpoint();
  if (name == "corrupt-checkpoint") return state_.CorruptCheckpoint();
  return state_.Change([&](State& state) {
    if (name != "none") return SetFault(name, value, state.faults);
    state.faults = {};
    return absl::OkStatus();
  });
}

}  // namespace nodedevice::devicemanager
