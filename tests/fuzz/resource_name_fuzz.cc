#include <algorithm>

#include "lib/kubelet/resource_name.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name = nodedevice::fuzz::TextOf(data, size);
  const absl::Status status = nodedevice::ValidateExtendedResourceName(name);
  if (status.ok()) {
    Require(std::count(name.begin(), name.end(), '/') == 1, "one '/'");
    Require(name.size() <= 244 + 1 + 63, "bounded length");
    Require(name.find('\0') == std::string_view::npos, "no NUL");
  } else {
    Require(absl::IsInvalidArgument(status) && !status.message().empty(), "a reason");
  }
  return 0;
}
