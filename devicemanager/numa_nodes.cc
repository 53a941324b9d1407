#include "devicemanager/numa_nodes.h"

#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice::devicemanager {
namespace {

// Digits only: SimpleAtoi would let a sign and blanks pass.
absl::StatusOr<std::int64_t> ParseNode(std::string_view text) {
  std::int64_t node = -1;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (!digits || !absl::SimpleAtoi(std::string(text), &node) || node > NumaMask::kMaxNode) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", std::string(text), "' is not the number of a NUMA node, 0 to ", NumaMask::kMaxNode));
  }
  return node;
}

}  // namespace

absl::StatusOr<NumaNodes> ReadNumaNodes(const HostRoot& host) {
  constexpr std::string_view kPrefix = "node";
  std::set<std::int64_t> nodes;
  for (const std::string& name : NamesIn(host.Resolve("/sys/devices/system/node"))) {
    if (!std::string_view(name).starts_with(kPrefix)) continue;
    const std::string_view number = std::string_view(name).substr(kPrefix.size());
    if (number.find_first_not_of("0123456789") != number.npos || number.empty()) continue;
    ASSIGN_OR_RETURN(const std::int64_t node, ParseNode(number));
    nodes.insert(node);
  }
  if (nodes.empty()) return NumaNodes{0};
  return NumaNodes(nodes.begin(), nodes.end());
}

absl::StatusOr<NumaNodes> ParseNumaNodes(std::string_view list) {
  std::set<std::int64_t> nodes;
  const std::vector<std::string> ranges = absl::StrSplit(std::string(list), ',');
  for (const std::string& range : ranges) {
    const std::size_t dash = range.find('-');
    ASSIGN_OR_RETURN(const std::int64_t first, ParseNode(std::string_view(range).substr(0, dash)));
    std::int64_t last = first;
    if (dash != range.npos) {
      ASSIGN_OR_RETURN(last, ParseNode(std::string_view(range).substr(dash + 1)));
    }
    if (last < first) {
      return absl::InvalidArgumentError(absl::StrCat("'", range, "' ends before it begins"));
    }
    for (std::int64_t node = first; node <= last; ++node) nodes.insert(node);
  }
  return NumaNodes(nodes.begin(), nodes.end());
}

}  // namespace nodedevice::devicemanager
