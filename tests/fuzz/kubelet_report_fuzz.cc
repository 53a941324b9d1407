#include "lib/api/kubelet_report.h"

#include "tests/fuzz/fuzz_target.h"

using nodedevice::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = nodedevice::fuzz::TextOf(data, size);
  const auto report = nodedevice::ParseKubeletReportLine(line);
  if (!report.ok()) {
    Require(!report.status().message().empty(), "a reason");
  } else {
    const std::string written = nodedevice::ToLine(*report);
    Require(written.size() <= nodedevice::kMaxReportLine, "the line is bounded");
    const auto again = nodedevice::ParseKubeletReportLine(written);
    Require(again.ok(), "what is written can be read");
    // A larger one may lose devices to the bound of a line.
    if (size < 4096) Require(*again == *report, "nothing is lost");
  }
  // The same bytes as the words of a kubelet that nobody checked.
  nodedevice::KubeletReport odd;
  odd.resources[std::string(line)] = {.accepted = size, .allocated = size};
  odd.holders.resize(1);
  odd.holders[0].pod = odd.holders[0].resource = line;
  odd.holders[0].devices = {std::string(line)};
  Require(nodedevice::ParseKubeletReportLine(nodedevice::ToLine(odd)).ok(),
          "any words can be written");
  odd.error = line;
  Require(nodedevice::ParseKubeletReportLine(nodedevice::ToLine(odd)).ok(),
          "any error can be written");
  return 0;
}
