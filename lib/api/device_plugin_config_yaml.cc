// Apart from the other parsers, so that the plugin does not link a YAML reader.

#include "lib/api/device_plugin_config.h"
#include "lib/base/yaml.h"

namespace nodedevice {

Parsed<DevicePluginConfig> ParseDevicePluginConfigYaml(std::string_view text) {
  const absl::StatusOr<nlohmann::json> object = ParseYaml(text);
  if (!object.ok()) return {{}, {{"", std::string(object.status().message())}}};
  return ParseDevicePluginConfig(*object);
}

}  // namespace nodedevice
