#include "tests/support/fake_pci_bus.h"

#include <filesystem>

namespace nodedevice::testing {

namespace fs = std::filesystem;

std::string FakePciBus::Of(const std::string& address, const std::string& file) {
  return "sys/bus/pci/devices/" + address + "/" + file;
}

void FakePciBus::Plug(const Function& function) const {
  const std::string real = "sys/devices/" + function.root + "/" + function.address;
  node_.Write(real + "/vendor", "0x" + function.vendor + "\n");
  node_.Write(real + "/device", "0x" + function.device + "\n");
  node_.Write(real + "/class", "0x" + function.class_code + "\n");
  node_.Write(real + "/numa_node", function.numa + "\n");
  node_.Write(real + "/driver_override", "(null)\n");
  const std::string short_class =
      function.class_code.substr(function.class_code.find_first_not_of('0'));
  node_.Write(real + "/uevent", "PCI_CLASS=" + short_class + "\nPCI_ID=" + function.vendor + ":" +
                                    function.device + "\nPCI_SLOT_NAME=" + function.address + "\n");
  fs::create_directory_symlink("../../../devices/" + function.root + "/" + function.address,
                               node_.Under("sys/bus/pci/devices/" + function.address));
  if (!function.group.empty()) {
    const std::string group = "sys/kernel/iommu_groups/" + function.group;
    fs::create_directory_symlink("../../../../devices/" + function.root + "/" + function.address,
                                 node_.Under(group + "/devices/" + function.address));
    fs::create_directory_symlink("../../../kernel/iommu_groups/" + function.group,
                                 node_.Under(real + "/iommu_group"));
  }
  Bind(function.address, function.driver);
}

void FakePciBus::Unplug(const std::string& address) const {
  const fs::path link = node_.Under("sys/bus/pci/devices/" + address);
  fs::remove_all(fs::canonical(link));
  fs::remove(link);
}

void FakePciBus::Bind(const std::string& address, const std::string& driver) const {
  const fs::path link = node_.Under(Of(address, "driver"));
  fs::remove(link);
  if (driver.empty()) return;
  fs::create_directories(node_.Under("sys/bus/pci/drivers/" + driver));
  fs::create_directory_symlink("../../../bus/pci/drivers/" + driver, link);
}

void FakePciBus::MakeVirtual(const std::string& physical, const std::string& address,
                             int number) const {
  fs::create_directory_symlink("../" + address,
                               node_.Under(Of(physical, "virtfn" + std::to_string(number))));
  fs::create_directory_symlink("../" + physical, node_.Under(Of(address, "physfn")));
}

void FakePciBus::MakeGroupNode(const std::string& group) const {
  for (const std::string& name : {std::string("vfio"), group}) {
    if (!fs::exists(node_.Under("dev/vfio/" + name))) node_.MakeNode("dev/vfio/" + name);
  }
}

}  // namespace nodedevice::testing
