#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/config_source.h"
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

// --check: validates the file. The text for people, one a line: when it is right, what it announces
// and then, as warnings, where two entries are in each other's way (container_conflicts.h); else
// every error with its field path.
struct CheckResult {
  bool ok = false;
  std::string text;
};
CheckResult CheckConfigFile(const std::filesystem::path& path);

// The desired state, from a file that may change at any time: by an editor, by a rename, or by the
// swap of a symbolic link on its way (as a mounted ConfigMap does it).
class ConfigFile : public ConfigSource {
 public:
  ConfigFile(EventLoop& loop, std::filesystem::path path, Callbacks callbacks);

  // Looks at once. A file that does not exist is waited for.
  void Start() override;

  const ConfigStatus& status() const override { return status_; }

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
