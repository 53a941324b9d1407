#include <string>

#include "plugin/nvidia/mig_minors.h"
#include "plugin/nvidia/mig_profile.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::fuzz::Require;

// What the kernel module and the driver say of MIG devices.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = nodedevice::fuzz::TextOf(data, size);
  for (const auto& [name, minor] : nodedevice::ParseMigMinors(text)) {
    Require(!name.empty() && name.find_first_of(" \t\r\n") == std::string::npos, "a word");
    Require(minor >= 0, "no minor number is negative");
  }
  if (const auto profile = nodedevice::MigProfileOfName(text)) {
    Require(std::string(text).ends_with(*profile), "the end of the name");
    Require(profile->find("gb") != std::string::npos && profile->size() >= 5, "slices and memory");
  }
  return 0;
}
