#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// One set of the configuration file of IBM's device plugin for Crypto Express: what one resource of
// it is made of. What a set does not say is the entry's to say.
struct CryptoConfigSet {
  std::string name;
  std::vector<Apqn> apqns;
  std::optional<CexMode> mode = {};
  int min_generation = 0;  // 0: any
  std::optional<int> overcommit = {};
  std::optional<bool> live_sysfs = {};
  bool operator==(const CryptoConfigSet&) const = default;
};

// Reads the file, `{"cryptoconfigsets": [{"setname": ...}]}`, by the rules of that plugin: one
// error and the whole file is refused, and an APQN may stand in it once, unless on two machines.
// Every error is listed, with its path in the file; text that is no JSON is one error with an empty
// path.
//
// Beyond its rules: adapter and domain are required (it takes a missing one for 0), and
// overcommit (0 for not given, to 100) and livesysfs (0 or 1) are read, which it does not. Unknown
// keys are passed over, as it does.
Parsed<std::vector<CryptoConfigSet>> ParseCryptoConfigSets(std::string_view text);

// The entry as it is with this set: what the set says instead of what the entry says.
AdjunctProcessor WithSet(AdjunctProcessor entry, const CryptoConfigSet& set);

}  // namespace nodedevice
