#include "lib/api/device_plugin_config.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::HostPathPolicy;
using nodedevice::ParsePluginSpec;
using nodedevice::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const nlohmann::json entry = nlohmann::json::parse(nodedevice::fuzz::TextOf(data, size),
                                                     /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (entry.is_discarded()) return 0;
  const auto strict = ParsePluginSpec(entry, HostPathPolicy::kAllowList);
  const auto free = ParsePluginSpec(entry, HostPathPolicy::kAny);
  Require(!strict.ok() || free.ok(), "what the allow-list takes, any policy takes");
  if (free.ok()) {
    const auto again =
        ParsePluginSpec(nlohmann::json::parse(free.value.text), HostPathPolicy::kAny);
    Require(again.ok() && again.value == free.value, "the text is the entry again");
  }
  return 0;
}
