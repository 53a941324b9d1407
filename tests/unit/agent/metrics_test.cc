#include "agent/metrics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/metrics/text_format.h"
#include "tests/unit/agent/sample_snapshot.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const Snapshot& snapshot) { return ToMetricsText(ToMetrics(snapshot)); }

TEST(MetricsTest, SaysOfAConfigurationInTheApiWhetherItMayBeOld) {
  Snapshot snapshot = HealthyNode();
  EXPECT_THAT(Text(snapshot), Not(HasSubstr("nodedevice_config_stale")));
  snapshot.config.name = "rig";
  EXPECT_THAT(Text(snapshot), HasSubstr("\nnodedevice_config_stale 0\n"));
  snapshot.config.stale = "connection refused";
  EXPECT_THAT(Text(snapshot), HasSubstr("\nnodedevice_config_stale 1\n"));
}

TEST(MetricsTest, ShowsEverythingThatTheSnapshotHolds) {
  EXPECT_EQ(
      Text(HealthyNode()),
      R"(# HELP nodedevice_device_manager_up 1 while the kubelet's Device Manager answers on its socket.
# TYPE nodedevice_device_manager_up gauge
nodedevice_device_manager_up 1
# HELP nodedevice_device_manager_restarts_total Times the Device Manager was seen to come back or to be replaced.
# TYPE nodedevice_device_manager_restarts_total counter
nodedevice_device_manager_restarts_total 1
# HELP nodedevice_config_last_success_generation Generation of the configuration in force; for a file without one, how many versions of it were accepted. 0 before the first.
# TYPE nodedevice_config_last_success_generation gauge
nodedevice_config_last_success_generation 4
# HELP nodedevice_config_rejected 1 while the newest configuration is not in force because it is missing or wrong.
# TYPE nodedevice_config_rejected gauge
nodedevice_config_rejected 0
# HELP nodedevice_build_info Always 1; the version is a label.
# TYPE nodedevice_build_info gauge
nodedevice_build_info{version="1.2.3"} 1
# HELP nodedevice_plugin_up 1 while the plugin runs and every resource of it is registered; a foreign plugin: while it runs, unless the kubelet accepted devices of it and now accepts none.
# TYPE nodedevice_plugin_up gauge
nodedevice_plugin_up{plugin="kvm"} 1
nodedevice_plugin_up{plugin="vendor"} 1
# HELP nodedevice_plugin_restarts_total Times the plugin had to be started again unplanned, by reason.
# TYPE nodedevice_plugin_restarts_total counter
nodedevice_plugin_restarts_total{plugin="kvm",reason="exited"} 0
nodedevice_plugin_restarts_total{plugin="kvm",reason="signaled"} 3
nodedevice_plugin_restarts_total{plugin="kvm",reason="start_failed"} 0
nodedevice_plugin_restarts_total{plugin="kvm",reason="start_timeout"} 0
nodedevice_plugin_restarts_total{plugin="kvm",reason="not_registered"} 0
nodedevice_plugin_restarts_total{plugin="vendor",reason="exited"} 0
nodedevice_plugin_restarts_total{plugin="vendor",reason="signaled"} 0
nodedevice_plugin_restarts_total{plugin="vendor",reason="start_failed"} 0
nodedevice_plugin_restarts_total{plugin="vendor",reason="start_timeout"} 0
nodedevice_plugin_restarts_total{plugin="vendor",reason="not_registered"} 0
# HELP nodedevice_registrations_total Registrations of the resource with the Device Manager, by result.
# TYPE nodedevice_registrations_total counter
nodedevice_registrations_total{resource="example.com/kvm",result="ok"} 12
nodedevice_registrations_total{resource="example.com/kvm",result="error"} 1
# HELP nodedevice_stream_connected 1 while the Device Manager follows the resource's device list.
# TYPE nodedevice_stream_connected gauge
nodedevice_stream_connected{resource="example.com/kvm"} 1
# HELP nodedevice_list_updates_total Device lists sent to the Device Manager.
# TYPE nodedevice_list_updates_total counter
nodedevice_list_updates_total{resource="example.com/kvm"} 25
# HELP nodedevice_devices Devices as announced to the Device Manager, replicas counted, by health.
# TYPE nodedevice_devices gauge
nodedevice_devices{resource="example.com/kvm",health="Healthy"} 10
nodedevice_devices{resource="example.com/kvm",health="Unhealthy"} 10
# HELP nodedevice_device_unhealthy_info Always 1; one series for each unhealthy device, with the reason.
# TYPE nodedevice_device_unhealthy_info gauge
nodedevice_device_unhealthy_info{resource="example.com/kvm",device="kvm1",reason="/dev/kvm1 is gone"} 1
# HELP nodedevice_rpc_duration_seconds How long the plugin took to answer the Device Manager, by method.
# TYPE nodedevice_rpc_duration_seconds histogram
nodedevice_rpc_duration_seconds_count{resource="example.com/kvm",method="Allocate"} 4
nodedevice_rpc_duration_seconds_sum{resource="example.com/kvm",method="Allocate"} 0.5
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="0.0001"} 2
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="0.00025"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="0.0005"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="0.001"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="0.0025"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="0.005"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="0.01"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="0.1"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="1"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="10"} 4
nodedevice_rpc_duration_seconds_bucket{resource="example.com/kvm",method="Allocate",le="+Inf"} 4
# HELP nodedevice_devices_accepted Healthy devices of the resource that the kubelet would hand out or has handed out, by its own word.
# TYPE nodedevice_devices_accepted gauge
nodedevice_devices_accepted{resource="example.com/kvm"} 10
nodedevice_devices_accepted{resource="vendor.example/thing"} 3
# HELP nodedevice_devices_allocated Devices of the resource that containers hold, by the kubelet's word.
# TYPE nodedevice_devices_allocated gauge
nodedevice_devices_allocated{resource="example.com/kvm"} 2
nodedevice_devices_allocated{resource="vendor.example/thing"} 0
# HELP nodedevice_pod_devices Devices of the resource that this container holds, by the kubelet's word.
# TYPE nodedevice_pod_devices gauge
nodedevice_pod_devices{resource="example.com/kvm",namespace="shop",pod="vm-7",container="compute"} 2
)");
}

TEST(MetricsTest, CountersStayWhenTheProcessEnds) {
  Snapshot snapshot = HealthyNode();
  PluginStatus& plugin = snapshot.plugins[0];
  plugin.ended["example.com/kvm"].Add(plugin.resources[0]);
  plugin.resources.clear();
  plugin.phase = PluginPhase::kBackingOff;
  const std::string text = Text(snapshot);
  EXPECT_THAT(text,
              HasSubstr("registrations_total{resource=\"example.com/kvm\",result=\"ok\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("list_updates_total{resource=\"example.com/kvm\"} 25\n"));
  EXPECT_THAT(text, HasSubstr("rpc_duration_seconds_count{resource=\"example.com/kvm\","
                              "method=\"Allocate\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("plugin_up{plugin=\"kvm\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("stream_connected{resource=\"example.com/kvm\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("devices{resource=\"example.com/kvm\",health=\"Healthy\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("device_unhealthy_info")));
}

TEST(MetricsTest, WhatTheKubeletDoesNotSayHasNoSeries) {
  Snapshot snapshot = HealthyNode();
  snapshot.kubelet.fresh = false;
  const std::string text = Text(snapshot);
  EXPECT_THAT(text, Not(HasSubstr("nodedevice_devices_accepted")));
  EXPECT_THAT(text, Not(HasSubstr("nodedevice_devices_allocated")));
  EXPECT_THAT(text, Not(HasSubstr("nodedevice_pod_devices")));
}

TEST(MetricsTest, AForeignPluginIsDownWhileTheKubeletAcceptsNothingAnyMore) {
  Snapshot snapshot = HealthyNode();
  PluginStatus& vendor = snapshot.plugins[1];
  const auto is_up = [&] {
    return Text(snapshot).find("plugin_up{plugin=\"vendor\"} 1") != std::string::npos;
  };
  EXPECT_TRUE(is_up());
  vendor.accepted = false;
  EXPECT_FALSE(is_up());
  vendor.accepted = std::nullopt;
  EXPECT_TRUE(is_up()) << "not known: it runs";
  vendor.accepted = false;
  vendor.was_accepted = false;
  EXPECT_TRUE(is_up()) << "it never had a device here";
  vendor.phase = PluginPhase::kStarting;
  EXPECT_FALSE(is_up());
}

TEST(MetricsTest, AResourceThatTwoPluginsKnowHasOneSeries) {
  Snapshot snapshot = HealthyNode();
  snapshot.plugins.push_back(snapshot.plugins[0]);  // the entry was renamed
  snapshot.plugins.back().name = "renamed";
  const std::string text = Text(snapshot);
  const std::string series = "nodedevice_stream_connected{resource=\"example.com/kvm\"} 1\n";
  EXPECT_THAT(text, HasSubstr(series));
  EXPECT_EQ(text.find(series), text.rfind(series));
  EXPECT_EQ(text.find("device=\"kvm1\""), text.rfind("device=\"kvm1\""));
}

TEST(MetricsTest, FiguresOfADeviceAreThereOnceAndOfEachContainerThatHoldsIt) {
  Snapshot snapshot = HealthyNode();
  snapshot.plugins[0].resources[0].figures = {.number = 1,
                                              .valid = std::chrono::seconds(90),
                                              .devices = {{.id = "kvm0",
                                                           .duty_cycle_percent = 57,
                                                           .memory_total_bytes = 80'000'000'000,
                                                           .memory_used_bytes = 0},
                                                          {.id = "kvm1", .memory_used_bytes = 7}}};
  const std::string of_device = R"({resource="example.com/kvm",device="kvm0")";
  const std::string of_pod = of_device + R"(,namespace="shop",pod="vm-7",container="compute"})";
  const std::string text = Text(snapshot);
  for (const std::string& series :
       {"nodedevice_gpu_duty_cycle_ratio" + of_device + "} 0.57",
        "nodedevice_gpu_memory_total_bytes" + of_device + "} 80000000000",
        "nodedevice_gpu_memory_used_bytes" + of_device + "} 0",
        "nodedevice_pod_gpu_duty_cycle_ratio" + of_pod + " 0.57",
        "nodedevice_pod_gpu_memory_total_bytes" + of_pod + " 80000000000",
        "nodedevice_pod_gpu_memory_used_bytes" + of_pod + " 0"}) {
    const std::size_t first = text.find("\n" + series + "\n");
    EXPECT_NE(first, std::string::npos) << series << " in " << text;
    EXPECT_EQ(text.find(series, first + 2), std::string::npos) << series;
  }
  EXPECT_THAT(
      text,
      HasSubstr(
          "nodedevice_gpu_memory_used_bytes{resource=\"example.com/kvm\",device=\"kvm1\"} 7\n"));
  EXPECT_THAT(text,
              Not(HasSubstr("duty_cycle_ratio{resource=\"example.com/kvm\",device=\"kvm1\"")));
  snapshot.kubelet = {};
  const std::string unknown = Text(snapshot);
  EXPECT_THAT(unknown, HasSubstr("nodedevice_gpu_memory_used_bytes"));
  EXPECT_THAT(unknown, Not(HasSubstr("nodedevice_pod_gpu"))) << "the kubelet says nothing";
}

TEST(MetricsTest, ANodeWithoutConfigurationStillHasItsOwnSeries) {
  Snapshot snapshot;
  snapshot.config.error = "/etc/plugins.yaml: No such file or directory";
  const std::string text = Text(snapshot);
  EXPECT_THAT(text, HasSubstr("nodedevice_device_manager_up 0\n"));
  EXPECT_THAT(text, HasSubstr("nodedevice_config_rejected 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("nodedevice_plugin_up")));
}

}  // namespace
}  // namespace nodedevice::testing
