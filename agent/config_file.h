#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "agent/snapshot.h"
#include "lib/api/device_plugin_config.h"
#include "lib/base/directory_watch.h"
#include "lib/base/event_loop.h"

namespace nodedevice {

// What a configuration file said when it was looked at.
struct ConfigReading {
  std::string text;                          // as read; empty when it could not be
  std::optional<DevicePluginConfig> config;  // nullopt: `error` says why
  std::string error;
};

// Reads and parses the file once. Every problem is in `error`, one a line.
ConfigReading ReadConfigFile(const std::filesystem::path& path);

// --check: validates the file. The text for people, one line when it is right, else every error
// with its field path, one a line.
struct CheckResult {
  bool ok = false;
  std::string text;
};
CheckResult CheckConfigFile(const std::filesystem::path& path);

// The desired state, from a file that may change at any time: by an editor, by a rename, or by the
// swap of a symbolic link on its way (as a mounted ConfigMap does it). The last good version stays
// in force while the newest one is missing or wrong.
//
// Loop thread only. Callbacks come from Start() and from the loop.
class ConfigFile {
 public:
  struct Callbacks {
    std::function<void(const DevicePluginConfig&)> on_accepted;
    std::function<void()> on_status;  // status() changed; after on_accepted
  };

  ConfigFile(EventLoop& loop, std::filesystem::path path, Callbacks callbacks);

  // Looks at once. A file that does not exist is waited for.
  void Start();

  const ConfigStatus& status() const { return status_; }

 private:
  void Hint();
  void Look();

  const std::filesystem::path path_;
  const Callbacks callbacks_;
  ConfigStatus status_;
  std::optional<ConfigReading> last_;
  bool hinted_ = false;  // a look is due soon
  DirectoryWatch directory_;
  Timer timer_;
};

}  // namespace nodedevice
