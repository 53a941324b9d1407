#include "devicemanager/status_report.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "lib/kubelet/resource_name.h"

namespace nodedevice::devicemanager {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson PodJson(const State& state, const std::string& uid) {
  OrderedJson devices = OrderedJson::object();
  const auto held = state.pod_devices.pods().find(uid);
  if (held != state.pod_devices.pods().end()) {
    for (const auto& [container, resources] : held->second) {
      for (const auto& [resource, ids] : resources) devices[container][resource] = ids.Ids();
    }
  }
  const auto pod = state.pods.find(uid);
  const bool known = pod != state.pods.end();
  return {{"namespace", known ? pod->second.namespace_name : ""},
          {"name", known ? pod->second.name : ""},
          {"uid", uid},
          {"devices", std::move(devices)}};
}

std::string Text(const OrderedJson& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace

absl::StatusOr<std::pair<std::string, int>> ParseWant(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string resource(text.substr(0, equals));
  RETURN_IF_ERROR(ValidateExtendedResourceName(resource));
  int count = 1;
  if (equals != std::string_view::npos) {
    const std::string number(text.substr(equals + 1));
    if (!absl::SimpleAtoi(number, &count) || count < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", std::string(text), "': '", number, "' is not a number of devices"));
    }
  }
  return std::pair(resource, count);
}

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

bool Satisfied(const State& state, const Wants& wants) { return Missing(state, wants).empty(); }

std::string Missing(const State& state, const Wants& wants) {
  std::string missing;
  const auto resources = state.model.Resources();
  for (const auto& [name, wanted] : wants) {
    const auto found = resources.find(name);
    const int allocatable = found == resources.end() ? 0 : found->second.allocatable;
    const bool connected = found != resources.end() && found->second.connected;
    if (wanted > 0 ? allocatable >= wanted : connected) continue;
    absl::StrAppend(&missing, missing.empty() ? "" : "; ", name, ": ", allocatable,
                    " allocatable of ", wanted, " wanted",
                    connected ? "" : ", no plugin is connected");
  }
  return missing;
}

OrderedJson StatusJson(const State& state) {
  OrderedJson resources = OrderedJson::array();
  for (const auto& [name, counts] : state.model.Resources()) {
    resources.push_back({{"name", name},
                         {"capacity", counts.capacity},
                         {"allocatable", counts.allocatable},
                         {"allocated", state.pod_devices.InUse(name).size()},
                         {"connected", counts.connected}});
  }
  OrderedJson pods = OrderedJson::array();
  for (const auto& [uid, pod] : state.pods) pods.push_back(PodJson(state, uid));
  for (const auto& [uid, containers] : state.pod_devices.pods()) {
    if (state.pods.count(uid) == 0) pods.push_back(PodJson(state, uid));
  }
  OrderedJson status = {
      {"starts", state.starts}, {"resources", std::move(resources)}, {"pods", std::move(pods)}};
  if (OrderedJson faults = ToJson(state.faults); !faults.empty()) {
    status["faults"] = std::move(faults);
  }
  if (state.clock_ahead != Duration::zero()) {
    status["clockAheadSeconds"] = Seconds(state.clock_ahead);
  }
  return status;
}

std::string StatusTable(const OrderedJson& status) {
  static constexpr std::array<const char*, 5> kColumns = {"name", "capacity", "allocatable",
                                                          "allocated", "connected"};
  std::vector<std::array<std::string, 5>> rows = {
      {"RESOURCE", "CAPACITY", "ALLOCATABLE", "ALLOCATED", "CONNECTED"}};
  if (status.contains("resources")) {
    for (const OrderedJson& resource : status["resources"]) {
      auto& row = rows.emplace_back();
      for (std::size_t i = 0; i < kColumns.size(); ++i) {
        row[i] = Text(resource.value(kColumns[i], OrderedJson("")));
      }
    }
  }
  std::array<std::size_t, 5> widths = {};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string table;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      absl::StrAppendFormat(&line, "%-*s", static_cast<int>(widths[i] + 3), row[i]);
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&table, line, "\n");
  }
  if (const auto faults = status.find("faults"); faults != status.end() && faults->is_object()) {
    for (const auto& [name, value] : faults->items()) {
      absl::StrAppend(&table, "fault: ", name, " ", Text(value), "\n");
    }
  }
  if (const auto ahead = status.find("clockAheadSeconds");
      ahead != status.end() && ahead->is_number()) {
    absl::StrAppend(&table, "clock: ", ahead->get<double>(), " s ahead\n");
  }
  return table;
}

}  // namespace nodedevice::devicemanager
