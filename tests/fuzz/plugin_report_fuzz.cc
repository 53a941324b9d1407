#include "lib/api/plugin_report.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = nodedevice::fuzz::TextOf(data, size);
  const auto report = nodedevice::ParseReportLine(line);
  if (!report.ok()) {
    Require(!report.status().message().empty(), "a reason");
  } else {
    const std::string written = nodedevice::ToLine(*report);
    Require(written.size() <= nodedevice::kMaxReportLine, "the line is bounded");
    const auto again = nodedevice::ParseReportLine(written);
    Require(again.ok(), "what is written can be read");
    // A larger one may lose devices to the bound of a line.
    if (size < 4096) Require(*again == *report, "nothing is lost");
  }
  // The same bytes as the words of a plugin that nobody checked.
  nodedevice::PluginReport odd;
  odd.resources.resize(1);
  odd.resources[0].resource = line;
  odd.resources[0].error = line;
  odd.resources[0].devices.resize(1);
  odd.resources[0].devices[0].id = line;
  odd.resources[0].rpc[std::string(line)] = {};
  Require(nodedevice::ParseReportLine(nodedevice::ToLine(odd)).ok(), "any words can be written");
  return 0;
}
