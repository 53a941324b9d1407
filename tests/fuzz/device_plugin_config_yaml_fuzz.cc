#include <set>

#include "lib/api/device_plugin_config.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = nodedevice::ParseDevicePluginConfigYaml(nodedevice::fuzz::TextOf(data, size));
  if (!parsed.ok()) {
    for (const nodedevice::FieldError& error : parsed.errors) {
      Require(!error.message.empty(), "every error has words");
    }
    Require(parsed.errors.size() <= 101, "the list of errors is bounded");
    return 0;
  }
  std::set<std::string> names;
  for (const nodedevice::PluginSpec& spec : parsed.value.plugins) {
    Require(names.insert(spec.name).second, "names are unique");
    const auto again = nodedevice::ParsePluginSpec(nlohmann::json::parse(spec.text),
                                                   nodedevice::HostPathPolicy::kAllowList);
    Require(again.ok() && again.value == spec, "the plugin reads what the agent read");
  }
  return 0;
}
