#include "tests/support/fake_hardware.h"

#include <filesystem>

#include "nlohmann/json.hpp"
#include "tests/support/fake_ap_bus.h"
#include "tests/support/fake_driver.h"
#include "tests/support/fake_pci_bus.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;

void Link(const TempDir& node, const std::string& target, const std::string& link) {
  fs::create_directory_symlink(target, node.Under(link));
}

}  // namespace

void PlugVirtualGpus(const TempDir& node) {
  const FakePciBus bus(node);
  bus.Plug({.address = "0000:3b:00.0", .vendor = "10de", .driver = "nvidia", .numa = "1"});
  const std::string parent = "sys/devices/pci0000:3a/0000:3b:00.0/";
  node.Write(parent + "mdev_supported_types/nvidia-222/name", "GRID T4-1Q\n");
  for (const char* group : {"90", "91"}) {
    const std::string uuid = std::string("83b8f4f2-509f-382f-3c1e-e6bfe0fa10") + group;
    Link(node, "../mdev_supported_types/nvidia-222", parent + uuid + "/mdev_type");
    fs::create_directories(node.Under(std::string("sys/kernel/iommu_groups/") + group));
    Link(node, std::string("../../../../kernel/iommu_groups/") + group,
         parent + uuid + "/iommu_group");
    bus.MakeGroupNode(group);
    Link(node, "../../../devices/pci0000:3a/0000:3b:00.0/" + uuid, "sys/bus/mdev/devices/" + uuid);
  }
}

void PlugUsb(const TempDir& node, const std::string& number, const UsbIdentity& identity) {
  const std::string controller = "sys/devices/pci0000:00/0000:00:14.0/";
  const std::string port = "1-" + number;
  node.Write(controller + "numa_node", "0\n");
  node.Write(controller + port + "/idVendor", identity.vendor + "\n");
  node.Write(controller + port + "/idProduct", identity.product + "\n");
  node.Write(controller + port + "/busnum", "1\n");
  node.Write(controller + port + "/devnum", number + "\n");
  node.Write(controller + port + "/serial", identity.serial + "\n");
  Link(node, "../../../devices/pci0000:00/0000:00:14.0/" + port, "sys/bus/usb/devices/" + port);
  node.MakeNode("dev/bus/usb/001/00" + number);
}

void PlugSecurityKeys(const TempDir& node) {
  PlugUsb(node, "4", {"1050", "0407", "KEY1-4"});
  PlugUsb(node, "5", {"1050", "0407", "KEY1-5"});
}

void PlugOnloadCard(const TempDir& node) {
  const std::string card = "sys/devices/pci0000:00/0000:3b:00.0";
  node.Write(card + "/vendor", "0x1924\n");
  node.Write(card + "/numa_node", "0\n");
  node.Write(card + "/net/ens1f0/mtu", "1500\n");
  Link(node, "../../../0000:3b:00.0", card + "/net/ens1f0/device");
  Link(node, "../../" + card.substr(4) + "/net/ens1f0", "sys/class/net/ens1f0");
  node.Write("proc/devices", "Character devices:\n239 onload\n238 onload_epoll\n\n");
  for (const char* name : {"dev/onload", "dev/onload_epoll", "dev/sfc_char"}) node.MakeNode(name);
  node.Write("opt/onload/usr/lib64/libonload.so", "elf");
}

void PlugGpus(const TempDir& node, const std::string& folder) {
  FakePciBus(node).Plug({.address = "0000:3b:00.0", .vendor = "10de", .numa = "0"});
  const FakeDriver driver(node, folder);
  driver.Install();
  const json migs =
      json::array({FakeDriver::Mig(1, 1, "3g.20gb"), FakeDriver::Mig(1, 2, "3g.20gb")});
  driver.Play({{"gpus", json::array({FakeDriver::Gpu(0), FakeDriver::Gpu(1, {{"mig", migs}}),
                                     FakeDriver::Gpu(2)})}});
  for (const char* name :
       {"dev/nvidiactl", "dev/nvidia-uvm", "dev/nvidia0", "dev/nvidia1", "dev/nvidia2",
        "dev/nvidia-caps/nvidia-cap12", "dev/nvidia-caps/nvidia-cap13",
        "dev/nvidia-caps/nvidia-cap21", "dev/nvidia-caps/nvidia-cap22"}) {
    node.MakeNode(name);
  }
  node.Write("proc/driver/nvidia-caps/mig-minors",
             "gpu1/gi1/access 12\ngpu1/gi1/ci0/access 13\n"
             "gpu1/gi2/access 21\ngpu1/gi2/ci0/access 22\n");
}

void PlugCryptoCards(const TempDir& node) {
  const FakeApBus bus(node);
  const auto plug = [&](int adapter, int domain, const std::string& type) {
    bus.Plug(adapter, type);
    bus.AddQueue(adapter, domain);
    const std::string name =
        "zcrypt-apqn-" + std::to_string(adapter) + "-" + std::to_string(domain) + "-0";
    node.MakeNode("dev/" + name);
    for (const char* mask : {"apmask", "aqmask", "ioctlmask"}) {
      node.Write("sys/devices/virtual/zcrypt/" + name + "/" + mask,
                 "0x" + std::string(64, '0') + "\n");
    }
  };
  plug(3, 5, "CEX7C");
  plug(4, 6, "CEX7P");
  plug(10, 5, "CEX7A");
}

}  // namespace nodedevice::testing
