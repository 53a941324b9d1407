#pragma once

#include "proto/deviceplugin.pb.h"

namespace nodedevice {

// What this plugin asks of the kubelet, for a resource whose devices are made ready before a
// container starts (`prepares`) or not. It is told twice, with Register and when asked, and must be
// the same.
inline v1beta1::DevicePluginOptions OptionsOfThisPlugin(bool prepares) {
  v1beta1::DevicePluginOptions options;
  options.set_pre_start_required(prepares);
  options.set_get_preferred_allocation_available(true);
  return options;
}

}  // namespace nodedevice
