#include "controller/metrics.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "lib/kube/object_fields.h"
#include "lib/metrics/family_builder.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::uint64_t NumberAt(const Json& object, const char* pointer) {
  const Json& value = ValueAt(object, pointer);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

void AddWork(const ControllerSnapshot& snapshot, std::vector<MetricFamily>& families) {
  FamilyBuilder leader(MetricType::Gauge, "nodedevice_controller_leader",
                       "1 while this controller leads, 0 while it stands by.");
  leader.Add({}, snapshot.leads);
  FamilyBuilder synced(MetricType::Gauge, "nodedevice_controller_synced",
                       "1 while the controller knows the whole cluster and follows its changes.");
  synced.Add({}, snapshot.leads && snapshot.missing.empty() && snapshot.problems.empty());
  FamilyBuilder plans(MetricType::Histogram, "nodedevice_controller_plan_duration_seconds",
                      "How long it took to decide what is to be done in the whole cluster.");
  plans.AddHistogram({}, snapshot.plans);
  FamilyBuilder writes(MetricType::Counter, "nodedevice_controller_writes_total",
                       "Writes to the API, by kind of object, verb and result.");
  for (const auto& [key, count] : snapshot.writes) {
    writes.Add({{"kind", key[0]}, {"verb", key[1]}, {"result", key[2]}}, count);
  }
  FamilyBuilder write_durations(MetricType::Histogram,
                                "nodedevice_controller_write_duration_seconds",
                                "How long a write took.");
  write_durations.AddHistogram({}, snapshot.write_durations);
  FamilyBuilder depth(MetricType::Gauge, "nodedevice_controller_queue_depth",
                      "Objects that wait to be worked on now.");
  depth.Add({}, snapshot.queue_depth);
  FamilyBuilder waiting(MetricType::Gauge, "nodedevice_controller_queue_size",
                        "Objects that are to be worked on, now or later.");
  waiting.Add({}, snapshot.queue_waiting);
  FamilyBuilder failing(MetricType::Gauge, "nodedevice_controller_failing_writes",
                        "Objects whose last write failed and is tried again.");
  failing.Add({}, snapshot.failing_writes);
  FamilyBuilder build(MetricType::Gauge, "nodedevice_build_info",
                      "Always 1; the version is a label.");
  build.Add({{"version", NODEDEVICE_VERSION}}, 1);
  for (FamilyBuilder* family :
       {&leader, &synced, &plans, &writes, &write_durations, &depth, &waiting, &failing, &build}) {
    family->MoveTo(families);
  }
}

void AddRequests(const RequestCounts& requests, std::vector<MetricFamily>& families) {
  FamilyBuilder answers(MetricType::Counter, "nodedevice_controller_api_requests_total",
                        "Requests to the API server, by verb and HTTP status; 0: no answer.");
  for (const auto& [key, count] : requests.answers) {
    answers.Add({{"verb", key.first}, {"code", absl::StrCat(key.second)}}, count);
  }
  FamilyBuilder durations(MetricType::Histogram,
                          "nodedevice_controller_api_request_duration_seconds",
                          "How long the API server took to answer.");
  for (const auto& [verb, histogram] : requests.durations) {
    durations.AddHistogram({{"verb", verb}}, histogram);
  }
  answers.MoveTo(families);
  durations.MoveTo(families);
}

void AddConfigs(const ControllerSnapshot& snapshot, std::vector<MetricFamily>& families) {
  if (!snapshot.leads) return;
  FamilyBuilder conditions(MetricType::Gauge, "nodedevice_config_condition",
                           "1 for the status that the condition of the DevicePluginConfig has.");
  FamilyBuilder nodes(MetricType::Gauge, "nodedevice_pool_nodes",
                      "Nodes of the pool that the DevicePluginConfig is for, by what they are: all "
                      "of them, with a verified Device Manager, or ready.");
  FamilyBuilder devices(
      MetricType::Gauge, "nodedevice_fleet_devices",
      "Devices of the resource on all nodes of the DevicePluginConfig, by state.");
  for (const auto& [config, status] : snapshot.statuses) {
    for (const Json& condition : ListAt(status, "/conditions")) {
      for (const char* value : {"True", "False", "Unknown"}) {
        conditions.Add(
            {{"config", config}, {"type", TextAt(condition, "/type")}, {"status", value}},
            TextAt(condition, "/status") == value);
      }
    }
    for (const Json& pool : ListAt(status, "/pools")) {
      const std::string name = TextAt(pool, "/name");
      for (const char* state : {"nodes", "verified", "ready"}) {
        nodes.Add({{"config", config},
                   {"pool", name},
                   {"state", std::string(state) == "nodes" ? "all" : state}},
                  NumberAt(pool, absl::StrCat("/", state).c_str()));
      }
    }
    for (const Json& resource : ListAt(status, "/resources")) {
      for (const char* state : {"announced", "healthy", "allocated"}) {
        devices.Add({{"config", config}, {"resource", TextAt(resource, "/name")}, {"state", state}},
                    NumberAt(resource, absl::StrCat("/", state).c_str()));
      }
    }
  }
  for (FamilyBuilder* family : {&conditions, &nodes, &devices}) family->MoveTo(families);
}

}  // namespace

std::vector<MetricFamily> ToMetrics(const ControllerSnapshot& snapshot,
                                    const RequestCounts& requests) {
  std::vector<MetricFamily> families;
  AddWork(snapshot, families);
  AddRequests(requests, families);
  AddConfigs(snapshot, families);
  return families;
}

}  // namespace nodedevice
