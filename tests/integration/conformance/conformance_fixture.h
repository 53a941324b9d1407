#pragma once

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

using Words = std::vector<std::string>;

Words operator+(Words first, const Words& second);

// What `device-manager conformance --json` said of a plugin.
struct Checked {
  int exit_code = -1;
  std::string output;
  nlohmann::json report;  // discarded when the output is none

  // The rules with that verdict: "pass", "fail" or "not-applicable".
  std::set<std::string> With(const std::string& verdict) const;
};

// The rules that are broken, without those that a machine with too much to do breaks as well,
// unless one of them is what is looked for.
std::set<std::string> Broken(const Checked& run, const std::set<std::string>& looked_for = {});

// The rules of plugins that register by a socket in plugins_registry: they do not apply to one that
// calls Register.
extern const std::set<std::string> kNotInRegistry;

class ConformanceTest : public ::testing::Test {
 protected:
  // `device-manager conformance OPTIONS --json -- PLUGIN`, to its end. What the plugin prints is in
  // plugin.log of the folder.
  Checked Check(const Words& options, const Words& plugin);

  TempDir dir_;
};

}  // namespace nodedevice::testing
