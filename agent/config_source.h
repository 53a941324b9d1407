#pragma once

#include <functional>
#include <memory>

#include "agent/snapshot.h"
#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// Where the desired state comes from: a file, or an object of the API. The last good configuration
// stays in force while the newest one is missing or wrong.
//
// Loop thread only. Callbacks come from Start() and from the loop.
class ConfigSource {
 public:
  struct Callbacks {
    std::function<void(const DevicePluginConfig&)> on_accepted;
    std::function<void()> on_status;  // status() changed; after on_accepted
  };
  virtual ~ConfigSource() = default;

  virtual void Start() = 0;
  virtual const ConfigStatus& status() const = 0;
  // What was accepted is still in force, but is gone by the last word that came.
  virtual bool was_deleted() const { return false; }
};

// How the agent makes its source, since it is who listens to it.
using MakeConfigSource = std::function<std::unique_ptr<ConfigSource>(ConfigSource::Callbacks)>;

}  // namespace nodedevice
