#pragma once

#include <functional>

#include "devicemanager/admission.h"
#include "devicemanager/control.h"
#include "devicemanager/node_state.h"

namespace nodedevice::devicemanager {

// The commands of the control socket, carried out on the serving side:
//   {"command": "status", "wait": {resource: count}, "timeoutSeconds": s}
//       -> the status document, with "missing" when the wait was in vain
//   {"command": "admit", "manifest": yaml} -> {"running": bool, "admission": the document}
//   {"command": "delete", "namespace": n, "pod": p} -> {}
//   {"command": "restart", "downSeconds": s}        -> {} once it serves again
//   {"command": "advance", "time": "5m"}            -> {"aheadSeconds": s}
//   {"command": "metrics"}                          -> {"text": in the Prometheus text format}
//   {"command": "fault", "name": n, "value": v}     -> {"faults": those that are active}
// Thread-safe.
class Commands {
 public:
  // `restart` may be called from any thread and returns at once.
  Commands(NodeState& state, PluginConnections& plugins, Admitter& admitter,
           std::function<void(Duration)> restart);

  absl::StatusOr<ControlJson> Handle(const ControlJson& request);

 private:
  absl::StatusOr<ControlJson> Status(const ControlJson& request);
  absl::StatusOr<ControlJson> Admit(const ControlJson& request);
  absl::StatusOr<ControlJson> Delete(const ControlJson& request);
  absl::StatusOr<ControlJson> Restart(const ControlJson& request);
  absl::StatusOr<ControlJson> Advance(const ControlJson& request);
  absl::StatusOr<ControlJson> Metrics();
  absl::StatusOr<ControlJson> Fault(const ControlJson& request);
  absl::Status Cause(const std::string& name, const std::string& value);

  NodeState& state_;
  PluginConnections& plugins_;
  Admitter& admitter_;
  const std::function<void(Duration)> restart_;
};

}  // namespace nodedevice::devicemanager
