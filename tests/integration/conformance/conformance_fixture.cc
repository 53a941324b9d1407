#include "tests/integration/conformance/conformance_fixture.h"

#include "tests/support/program.h"

namespace nodedevice::testing {

using nlohmann::json;

const std::set<std::string> kNotInRegistry = {
    "registry/info",          "registry/type",         "registry/version",
    "registry/resource-name", "registry/answers-dial", "registry/options",
    "registry/told",          "registry/found-again",  "registry/removes-socket"};

Words operator+(Words first, const Words& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::set<std::string> Checked::With(const std::string& verdict) const {
  std::set<std::string> names;
  if (!report.is_object()) return names;
  for (const json& rule : report["rules"]) {
    if (rule["verdict"] == verdict) names.insert(rule["name"].get<std::string>());
  }
  return names;
}

std::set<std::string> Broken(const Checked& run, const std::set<std::string>& looked_for) {
  std::set<std::string> broken = run.With("fail");
  for (const char* timed : {"allocate/quick", "hotplug/promptly", "restart/promptly"}) {
    if (!looked_for.contains(timed)) broken.erase(timed);
  }
  return broken;
}

Checked ConformanceTest::Check(const Words& options, const Words& plugin) {
  const ProgramResult result =
      RunProgram(Words{"device-manager", "conformance", "--log", dir_.path() / "plugin.log"} +
                     options + Words{"--json", "--"} + plugin,
                 dir_.path() / "output");
  return {result.code, result.output, json::parse(result.output, nullptr, false)};
}

}  // namespace nodedevice::testing
