#pragma once

#include <chrono>

#include "agent/snapshot.h"

namespace nodedevice::testing {

inline constexpr TimePoint kNow = TimePoint() + std::chrono::hours(100);

// A node on which all is well: one plugin of ours with two devices, one of them unhealthy, and one
// foreign plugin; a pod holds a share of one.
inline Snapshot HealthyNode() {
  Snapshot snapshot;
  snapshot.version = "1.2.3";
  snapshot.started = kNow - std::chrono::hours(2);
  snapshot.looked_at = kNow;
  snapshot.config = {.source = "/etc/plugins.yaml", .accepted = true, .generation = 4, .error = ""};
  snapshot.device_manager = {.up = true,
                             .since = kNow - std::chrono::minutes(90),
                             .restarts = 1,
                             .socket = "/kubelet/device-plugins/kubelet.sock",
                             .problem = ""};

  ResourceReport resource;
  resource.resource = "example.com/kvm";
  resource.phase = RegistrationPhase::kStreaming;
  resource.registrations_ok = 2;
  resource.registrations_failed = 1;
  resource.list_updates = 5;
  resource.healthy = 10;
  resource.unhealthy = 10;
  resource.devices = {
      {.id = "kvm1",
       .healthy = false,
       .reason = "/dev/kvm1 is gone",
       .paths = "/dev/kvm1",
       .numa_nodes = {1}},
      {.id = "kvm0", .healthy = true, .reason = "", .paths = "/dev/kvm0", .numa_nodes = {0, 1}}};
  resource.notes = {"sharing: 10 replicas"};
  RpcHistogram& allocate = resource.rpc["Allocate"];
  allocate.buckets = {1, 2, 2, 2, 2, 2, 2, 2, 2, 2};
  allocate.count = 2;
  allocate.sum = 0.25;

  PluginStatus ours;
  ours.name = "kvm";
  ours.resource_name = "example.com/kvm";
  ours.phase = PluginPhase::kRunning;
  ours.since = kNow - std::chrono::minutes(5);
  ours.pid = 4711;
  ours.restarts = {0, 3, 0, 0, 0};
  ours.last_exit = "killed by signal 9 (Killed)";
  ours.resources = {resource};
  ours.ended["example.com/kvm"] = {.registrations_ok = 10,
                                   .registrations_failed = 0,
                                   .list_updates = 20,
                                   .rpc = {{"Allocate", allocate}}};

  PluginStatus foreign;
  foreign.name = "vendor";
  foreign.resource_name = "vendor.example/thing";
  foreign.exec = true;
  foreign.phase = PluginPhase::kRunning;
  foreign.since = kNow - std::chrono::seconds(7);
  foreign.pid = 4712;

  foreign.accepted = true;
  foreign.was_accepted = true;

  snapshot.plugins = {ours, foreign};
  snapshot.kubelet = {
      .fresh = true,
      .error = "",
      .resources = {{"example.com/kvm", {.accepted = 10, .allocated = 2, .holders = 1}},
                    {"vendor.example/thing", {.accepted = 3, .allocated = 0}}},
      .holders = {{.namespace_name = "shop",
                   .pod = "vm-7",
                   .container = "compute",
                   .resource = "example.com/kvm",
                   .count = 2,
                   .devices = {"kvm0::0", "kvm0::1"}}}};
  return snapshot;
}

}  // namespace nodedevice::testing
