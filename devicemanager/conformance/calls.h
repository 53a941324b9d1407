#pragma once

#include <functional>
#include <memory>
#include <string>

#include "devicemanager/conformance/observation.h"
#include "devicemanager/conformance/plugin_connection.h"

namespace nodedevice::devicemanager::conformance {

// The shell around the calls.
struct CallContext {
  // The plugin as it can be reached now; nullptr when it cannot.
  std::function<std::shared_ptr<PluginConnection>()> connection;
  // Told after each call: what it was and how it ended. The plugin may have ended over it.
  std::function<void(const std::string& doing, bool impossible_request, const Outcome& outcome)>
      after;
};

// Which calls to make.
struct CallChoice {
  bool allocate = true;
  bool preferred = true;
  bool pre_start = true;
};

// Asks the plugin of one resource what a kubelet asks, and a little more, and adds what came of it
// to the observation. Blocks until every call has ended, by itself or by a kubelet's deadline.
void MakeCalls(const std::string& resource, const DeviceList& devices, const Options& options,
               const CallChoice& choice, const CallContext& context, Observation* observation);

}  // namespace nodedevice::devicemanager::conformance
