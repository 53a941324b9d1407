#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "tests/support/fake_pci_bus.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// The part of a fake node's kernel that acts when drivers are bound: it is given what a program
// writes to sysfs, and changes the tree as Linux does. A group of which vfio has a function gets
// its node. Keeps what was written, as "driver_override 0000:3b:00.0 <- vfio-pci".
class FakePciKernel {
 public:
  FakePciKernel(const TempDir& node, const FakePciBus& bus) : node_(node), bus_(bus) {}

  // Which driver a function gets when nobody wants another; a function without one gets none.
  void HomeDriver(const std::string& address, const std::string& driver) {
    home_[address] = driver;
  }
  // Refuses what the trace would call so, once.
  void Refuse(const std::string& written) { refused_.push_back(written); }
  // The wanted driver does not take the function, and the kernel says so in its log only.
  void LetProbeFail(const std::string& address) { stubborn_.insert(address); }

  absl::Status Write(const std::filesystem::path& file, std::string_view value);

  const std::vector<std::string>& trace() const { return trace_; }
  // "i40e"; empty: none.
  std::string DriverOf(const std::string& address) const;

 private:
  void Probe(const std::string& address);

  const TempDir& node_;
  const FakePciBus& bus_;
  std::map<std::string, std::string> home_;
  std::set<std::string> stubborn_;
  std::vector<std::string> refused_;
  std::vector<std::string> trace_;
};

}  // namespace nodedevice::testing
