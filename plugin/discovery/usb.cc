#include "plugin/discovery/usb.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lib/base/file.h"
#include "plugin/natural_order.h"

namespace nodedevice {
namespace {

constexpr char kSysfsDevices[] = "/sys/bus/usb/devices";
constexpr char kDeviceNodes[] = "/dev/bus/usb";

bool ReadHex(const std::filesystem::path& path, std::uint16_t* value) {
  const auto text = ReadAttribute(path);
  std::uint32_t parsed = 0;
  if (!text.ok() || !absl::SimpleHexAtoi(*text, &parsed) || parsed > 0xffff) return false;
  *value = static_cast<std::uint16_t>(parsed);
  return true;
}

bool ReadDecimal(const std::filesystem::path& path, int* value) {
  const auto text = ReadAttribute(path);
  return text.ok() && absl::SimpleAtoi(*text, value) && *value >= 0 && *value <= 999;
}

}  // namespace

std::vector<UsbDevice> ListUsbDevices(const HostRoot& host,
                                      std::set<std::filesystem::path>* directories) {
  std::vector<UsbDevice> devices;
  // inotify sees nothing of sysfs; the device nodes come and go in /dev/bus/usb/<bus>.
  directories->insert(host.Resolve(kDeviceNodes));
  std::error_code error;
  for (const auto& bus : std::filesystem::directory_iterator(host.Resolve(kDeviceNodes), error)) {
    directories->insert(bus.path());
  }
  for (const auto& entry :
       std::filesystem::directory_iterator(host.Resolve(kSysfsDevices), error)) {
    UsbDevice device;
    device.port = entry.path().filename().string();
    int bus = 0;
    int number = 0;
    if (!ReadHex(entry.path() / "idVendor", &device.vendor) ||
        !ReadHex(entry.path() / "idProduct", &device.product) ||
        !ReadDecimal(entry.path() / "busnum", &bus) ||
        !ReadDecimal(entry.path() / "devnum", &number)) {
      continue;  // an interface, or just unplugged
    }
    device.serial = ReadAttribute(entry.path() / "serial").value_or("");
    device.node = absl::StrFormat("%s/%03d/%03d", kDeviceNodes, bus, number);
    devices.push_back(std::move(device));
  }
  std::sort(devices.begin(), devices.end(),
            [](const UsbDevice& a, const UsbDevice& b) { return NaturalLess()(a.port, b.port); });
  return devices;
}

bool Matches(const UsbSelector& selector, const UsbDevice& device) {
  return selector.vendor == device.vendor && selector.product == device.product &&
         (selector.serial.empty() || selector.serial == device.serial);
}

std::string StableName(const UsbDevice& device) {
  return absl::StrFormat("usb-%04x-%04x-%s", device.vendor, device.product,
                         device.serial.empty() ? device.port : device.serial);
}

}  // namespace nodedevice
