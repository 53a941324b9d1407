#include <set>
#include <string>

#include "lib/api/crypto_config_sets.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::fuzz::Require;

// The configuration of IBM's plugin, which an administrator writes by hand.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = nodedevice::ParseCryptoConfigSets(nodedevice::fuzz::TextOf(data, size));
  if (!parsed.ok()) {
    for (const auto& error : parsed.errors) Require(!error.message.empty(), "errors are told");
    return 0;
  }
  std::set<std::string> names;
  for (const auto& set : parsed.value) {
    Require(!set.name.empty() && names.insert(set.name).second, "sets have names of their own");
    for (const auto& apqn : set.apqns) {
      Require(apqn.adapter >= 0 && apqn.adapter <= 255, "a card");
      Require(apqn.domain >= 0 && apqn.domain <= 255, "a domain");
    }
    const auto entry = nodedevice::WithSet({}, set);
    Require(entry.overcommit >= 1 && entry.overcommit <= 100, "so many containers");
  }
  return 0;
}
