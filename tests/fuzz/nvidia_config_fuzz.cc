#include <set>
#include <string>

#include "lib/api/nvidia_config.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::fuzz::Require;

// The configuration of NVIDIA's plugin, which an administrator writes by hand.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = nodedevice::ParseNvidiaConfig(nodedevice::fuzz::TextOf(data, size), {});
  if (!parsed.ok()) {
    for (const auto& error : parsed.errors) Require(!error.message.empty(), "errors are told");
    Require(parsed.errors.size() <= 101, "the list of errors is bounded");
    return 0;
  }
  const nodedevice::NvidiaConfig& config = parsed.value;
  Require(!config.family.device_list_strategy.empty(), "containers are told of their devices");
  std::set<std::string> names;
  for (const auto& shared : config.sharing) {
    Require(shared.name.starts_with("nvidia.com/") && names.insert(shared.name).second,
            "resources have names of their own");
    Require(shared.announced_as.starts_with(shared.name), "a shared one is known by its name");
    Require(shared.sharing.replicas >= 2 && shared.sharing.replicas <= 100'000, "so many shares");
  }
  for (const std::string& note : config.notes) Require(!note.empty(), "notes say something");
  return 0;
}
