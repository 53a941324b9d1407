#include "agent/metrics.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/figures_in_use.h"
#include "lib/metrics/family_builder.h"

namespace nodedevice {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// What the plugin reports, as a family takes it.
void AddLatency(FamilyBuilder& family, FamilyBuilder::Labels labels,
                const RpcHistogram& histogram) {
  family.AddHistogram(std::move(labels), histogram.buckets, kRpcBuckets, histogram.count,
                      histogram.sum);
}

// One resource, summed over the processes that announce or have announced it. While a plugin is
// renamed two rows know the same resource, and a series must not stand there twice.
struct Resource {
  ResourceTotals totals;
  bool streaming = false;
  std::uint64_t healthy = 0;
  std::uint64_t unhealthy = 0;
  std::set<std::pair<std::string, std::string>> unhealthy_devices;  // id, reason
};

std::map<std::string, Resource> ByResource(const Snapshot& snapshot) {
  std::map<std::string, Resource> resources;
  for (const PluginStatus& plugin : snapshot.plugins) {
    if (plugin.exec) continue;
    resources[plugin.resource_name];  // there, with zeros, before the first report
    for (const auto& [name, totals] : plugin.ended) resources[name].totals.Add(totals);
    for (const ResourceReport& report : plugin.resources) {
      Resource& resource = resources[report.resource];
      resource.totals.Add(report);
      resource.streaming |= report.phase == RegistrationPhase::kStreaming;
      resource.healthy += report.healthy;
      resource.unhealthy += report.unhealthy;
      for (const DeviceReport& device : report.devices) {
        if (!device.healthy) resource.unhealthy_devices.emplace(device.id, device.reason);
      }
    }
  }
  return resources;
}

void AddNode(const Snapshot& snapshot, std::vector<MetricFamily>& families) {
  FamilyBuilder up(MetricType::Gauge, "nodedevice_device_manager_up",
                   "1 while the kubelet's Device Manager answers on its socket.");
  up.Add({}, snapshot.device_manager.up);
  up.MoveTo(families);

  FamilyBuilder restarts(MetricType::Counter, "nodedevice_device_manager_restarts_total",
                         "Times the Device Manager was seen to come back or to be replaced.");
  restarts.Add({}, snapshot.device_manager.restarts);
  restarts.MoveTo(families);

  FamilyBuilder generation(
      MetricType::Gauge, "nodedevice_config_last_success_generation",
      "Generation of the configuration in force; for a file without one, how many "
      "versions of it were accepted. 0 before the first.");
  generation.Add({}, snapshot.config.generation);
  generation.MoveTo(families);

  FamilyBuilder rejected(
      MetricType::Gauge, "nodedevice_config_rejected",
      "1 while the newest configuration is not in force because it is missing or "
      "wrong.");
  rejected.Add({}, !snapshot.config.error.empty());
  rejected.MoveTo(families);

  // A file has no server that could be away.
  if (!snapshot.config.name.empty()) {
    FamilyBuilder stale(
        MetricType::Gauge, "nodedevice_config_stale",
        "1 while the API server cannot be asked for a newer configuration; the last one "
        "stays in force.");
    stale.Add({}, !snapshot.config.stale.empty());
    stale.MoveTo(families);
  }

  FamilyBuilder build(MetricType::Gauge, "nodedevice_build_info",
                      "Always 1; the version is a label.");
  build.Add({{"version", snapshot.version}}, 1);
  build.MoveTo(families);
}

void AddPlugins(const Snapshot& snapshot, std::vector<MetricFamily>& families) {
  FamilyBuilder up(
      MetricType::Gauge, "nodedevice_plugin_up",
      "1 while the plugin runs and every resource of it is registered; a foreign plugin: "
      "while it runs, unless the kubelet accepted devices of it and now accepts none.");
  FamilyBuilder restarts(MetricType::Counter, "nodedevice_plugin_restarts_total",
                         "Times the plugin had to be started again unplanned, by reason.");
  for (const PluginStatus& plugin : snapshot.plugins) {
    up.Add({{"plugin", plugin.name}}, IsUp(plugin));
    for (const RestartReason reason : kRestartReasons) {
      restarts.Add({{"plugin", plugin.name}, {"reason", ToString(reason)}},
                   plugin.restarts_for(reason));
    }
  }
  up.MoveTo(families);
  restarts.MoveTo(families);
}

void AddResources(const Snapshot& snapshot, std::vector<MetricFamily>& families) {
  FamilyBuilder registrations(MetricType::Counter, "nodedevice_registrations_total",
                              "Registrations of the resource with the Device Manager, by result.");
  FamilyBuilder connected(MetricType::Gauge, "nodedevice_stream_connected",
                          "1 while the Device Manager follows the resource's device list.");
  FamilyBuilder updates(MetricType::Counter, "nodedevice_list_updates_total",
                        "Device lists sent to the Device Manager.");
  FamilyBuilder devices(MetricType::Gauge, "nodedevice_devices",
                        "Devices as announced to the Device Manager, replicas counted, by health.");
  FamilyBuilder unhealthy(MetricType::Gauge, "nodedevice_device_unhealthy_info",
                          "Always 1; one series for each unhealthy device, with the reason.");
  FamilyBuilder latency(MetricType::Histogram, "nodedevice_rpc_duration_seconds",
                        "How long the plugin took to answer the Device Manager, by method.");
  for (const auto& [name, resource] : ByResource(snapshot)) {
    const ResourceTotals& totals = resource.totals;
    registrations.Add({{"resource", name}, {"result", "ok"}}, totals.registrations_ok);
    registrations.Add({{"resource", name}, {"result", "error"}}, totals.registrations_failed);
    connected.Add({{"resource", name}}, resource.streaming);
    updates.Add({{"resource", name}}, totals.list_updates);
    devices.Add({{"resource", name}, {"health", "Healthy"}}, resource.healthy);
    devices.Add({{"resource", name}, {"health", "Unhealthy"}}, resource.unhealthy);
    for (const auto& [device, reason] : resource.unhealthy_devices) {
      unhealthy.Add({{"resource", name}, {"device", device}, {"reason", reason}}, 1);
    }
    for (const auto& [method, histogram] : totals.rpc) {
      AddLatency(latency, {{"resource", name}, {"method", method}}, histogram);
    }
  }
  for (FamilyBuilder* family :
       {&registrations, &connected, &updates, &devices, &unhealthy, &latency}) {
    family->MoveTo(families);
  }
}

// Nothing while it is not known: a 0 would be a lie, an old number too.
void AddKubelet(const KubeletView& kubelet, std::vector<MetricFamily>& families) {
  if (!kubelet.fresh) return;
  FamilyBuilder accepted(
      MetricType::Gauge, "nodedevice_devices_accepted",
      "Healthy devices of the resource that the kubelet would hand out or has handed "
      "out, by its own word.");
  FamilyBuilder allocated(MetricType::Gauge, "nodedevice_devices_allocated",
                          "Devices of the resource that containers hold, by the kubelet's word.");
  FamilyBuilder holders(
      MetricType::Gauge, "nodedevice_pod_devices",
      "Devices of the resource that this container holds, by the kubelet's word.");
  for (const auto& [name, use] : kubelet.resources) {
    accepted.Add({{"resource", name}}, use.accepted);
    allocated.Add({{"resource", name}}, use.allocated);
  }
  for (const DeviceHolder& holder : kubelet.holders) {
    holders.Add({{"resource", holder.resource},
                 {"namespace", holder.namespace_name},
                 {"pod", holder.pod},
                 {"container", holder.container}},
                holder.count);
  }
  for (FamilyBuilder* family : {&accepted, &allocated, &holders}) family->MoveTo(families);
}

// How much of the devices is in use: of each device one series, and one of each container that
// holds it, so that sums over devices count none twice.
void AddFigures(const Snapshot& snapshot, std::vector<MetricFamily>& families) {
  struct Figure {
    FamilyBuilder of_devices;
    FamilyBuilder of_containers;
    std::optional<std::uint64_t> DeviceFigures::*value;
    double one;  // what is 1 of the metric's unit
  };
  Figure figures[] = {
      {{MetricType::Gauge, "nodedevice_gpu_duty_cycle_ratio",
        "Share of the last seconds in which the GPU worked, 0 to 1."},
       {MetricType::Gauge, "nodedevice_pod_gpu_duty_cycle_ratio",
        "The same of a GPU that this container holds, whoever else does."},
       &DeviceFigures::duty_cycle_percent,
       100},
      {{MetricType::Gauge, "nodedevice_gpu_memory_total_bytes", "Memory of the device."},
       {MetricType::Gauge, "nodedevice_pod_gpu_memory_total_bytes",
        "Memory of a device that this container holds, whoever else does."},
       &DeviceFigures::memory_total_bytes,
       1},
      {{MetricType::Gauge, "nodedevice_gpu_memory_used_bytes", "Memory of the device in use."},
       {MetricType::Gauge, "nodedevice_pod_gpu_memory_used_bytes",
        "Memory in use of a device that this container holds, by whomever."},
       &DeviceFigures::memory_used_bytes,
       1},
  };
  for (const FiguresOfDevice& device : FiguresInUse(snapshot)) {
    for (Figure& figure : figures) {
      const std::optional<std::uint64_t>& value = device.figures.*figure.value;
      if (!value) continue;
      const double number = static_cast<double>(*value) / figure.one;
      FamilyBuilder::Labels labels = {{"resource", device.resource}, {"device", device.figures.id}};
      figure.of_devices.Add(labels, number);
      for (const DeviceHolder* holder : device.holders) {
        FamilyBuilder::Labels of_container = labels;
        of_container.push_back({"namespace", holder->namespace_name});
        of_container.push_back({"pod", holder->pod});
        of_container.push_back({"container", holder->container});
        figure.of_containers.Add(std::move(of_container), number);
      }
    }
  }
  for (Figure& figure : figures) figure.of_devices.MoveTo(families);
  for (Figure& figure : figures) figure.of_containers.MoveTo(families);
}

}  // namespace

std::vector<MetricFamily> ToMetrics(const Snapshot& snapshot) {
  std::vector<MetricFamily> families;
  AddNode(snapshot, families);
  AddPlugins(snapshot, families);
  AddResources(snapshot, families);
  AddKubelet(snapshot.kubelet, families);
  AddFigures(snapshot, families);
  return families;
}

}  // namespace nodedevice
