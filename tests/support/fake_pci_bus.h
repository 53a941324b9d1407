#pragma once

#include <string>

#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// The PCI bus of a fake node: a tree below its /sys, as the kernel has it.
class FakePciBus {
 public:
  struct Function {
    std::string address;
    std::string vendor = "8086";
    std::string device = "1572";
    std::string class_code = "020000";
    std::string driver = "";  // empty: none
    std::string group = "";   // of the IOMMU; empty: none
    std::string numa = "-1";
    std::string root = "pci0000:3a";
  };

  explicit FakePciBus(const TempDir& node) : node_(node) {}

  void Plug(const Function& function) const;
  void Unplug(const std::string& address) const;
  void Bind(const std::string& address, const std::string& driver) const;  // empty: no driver
  // Makes the second one virtual function `number` of the first; both are plugged.
  void MakeVirtual(const std::string& physical, const std::string& address, int number) const;
  // "sys/bus/pci/devices/0000:3b:00.0/net", below the node.
  static std::string Of(const std::string& address, const std::string& file);
  // The node of an IOMMU group, and the one of vfio.
  void MakeGroupNode(const std::string& group) const;

 private:
  const TempDir& node_;
};

}  // namespace nodedevice::testing
