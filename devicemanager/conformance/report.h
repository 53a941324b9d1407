#pragma once

#include <map>
#include <string>
#include <vector>

#include "devicemanager/conformance/rule.h"
#include "lib/base/clock.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager::conformance {

// What is told of one run.
struct Report {
  std::vector<std::string> command = {};              // of the plugin, as it was started
  std::map<std::string, std::size_t> resources = {};  // with the devices of the first list
  std::string log = {};                               // where the plugin's output is
  std::string log_end = {};                           // its last lines
  Duration took = Duration::zero();
  std::vector<Finding> findings = {};
};

// No rule that must hold is broken.
bool Passed(const Report& report);

// For people: a line for each rule, the kubelet's rule below each that is broken, and then the end
// of the plugin's output.
std::string TextReport(const Report& report);

nlohmann::ordered_json JsonReport(const Report& report);

// JUnit's XML, as CI systems read it: broken "must" rules are failures. Broken "should" rules and
// rules that do not apply are skipped tests whose message says which of the two it is, since a
// failure would fail the job.
std::string JUnitReport(const Report& report);

}  // namespace nodedevice::devicemanager::conformance
