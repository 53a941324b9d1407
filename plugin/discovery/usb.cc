#include "plugin/discovery/usb.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lib/base/file.h"
#include "plugin/device.h"
#include "plugin/discovery/numa.h"
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

void MarkTwins(std::vector<UsbDevice>* devices) {
  std::map<std::tuple<std::uint16_t, std::uint16_t, std::string_view>, UsbDevice*> first;
  for (UsbDevice& device : *devices) {
    if (device.serial.empty()) continue;
    const auto [known, fresh] =
        first.emplace(std::tuple(device.vendor, device.product, device.serial), &device);
    if (!fresh) known->second->twin = device.twin = true;
  }
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
  const std::filesystem::path buses = host.Resolve(kDeviceNodes);
  for (const std::string& bus : NamesIn(buses)) directories->insert(buses / bus);
  const std::filesystem::path plugged = host.Resolve(kSysfsDevices);
  for (const std::string& port : NamesIn(plugged)) {
    const std::filesystem::path folder = plugged / port;
    UsbDevice device;
    device.port = port;
    if (!ReadHex(folder / "idVendor", &device.vendor) ||
        !ReadHex(folder / "idProduct", &device.product) ||
        !ReadDecimal(folder / "busnum", &device.bus) ||
        !ReadDecimal(folder / "devnum", &device.number)) {
      continue;  // an interface, or just unplugged
    }
    device.serial = ReadAttribute(folder / "serial").value_or("");
    device.node = absl::StrFormat("%s/%03d/%03d", kDeviceNodes, device.bus, device.number);
    devices.push_back(std::move(device));
  }
  std::sort(devices.begin(), devices.end(),
            [](const UsbDevice& a, const UsbDevice& b) { return NaturalLess()(a.port, b.port); });
  MarkTwins(&devices);
  return devices;
}

bool Matches(const UsbSelector& selector, const UsbDevice& device) {
  return selector.vendor == device.vendor && selector.product == device.product &&
         (selector.serial.empty() || selector.serial == device.serial);
}

std::string StableName(const UsbDevice& device) {
  const std::string name = absl::StrFormat("usb-%04x-%04x-%s", device.vendor, device.product,
                                           device.serial.empty() ? device.port : device.serial);
  return device.twin ? absl::StrCat(name, "-", device.port) : name;
}

UsbSets CombineUsb(const std::vector<UsbSelector>& selectors,
                   const std::vector<UsbDevice>& plugged) {
  UsbSets result;
  for (const UsbSelector& selector : selectors) {
    const bool any = std::any_of(plugged.begin(), plugged.end(), [&](const UsbDevice& device) {
      return Matches(selector, device);
    });
    if (any) continue;
    result.notes.push_back(absl::StrCat(
        "no USB device ", absl::Hex(selector.vendor, absl::kZeroPad4), ":",
        absl::Hex(selector.product, absl::kZeroPad4),
        selector.serial.empty() ? "" : absl::StrCat(" with serial number ", selector.serial),
        " is plugged"));
  }
  if (!result.notes.empty() || selectors.empty()) return result;
  std::vector<bool> taken(plugged.size());
  while (true) {
    UsbSet set(selectors.size());
    for (const bool with_serial : {true, false}) {
      for (std::size_t i = 0; i < selectors.size(); ++i) {
        if (selectors[i].serial.empty() == with_serial) continue;
        std::size_t at = 0;
        while (at < plugged.size() && (taken[at] || !Matches(selectors[i], plugged[at]))) ++at;
        if (at == plugged.size()) return result;
        taken[at] = true;
        set[i] = &plugged[at];
      }
    }
    result.sets.push_back(std::move(set));
  }
}

std::string UsbDeviceId(const std::string& resource, const UsbSet& set) {
  std::string identity = resource;
  for (const UsbDevice* device : set) absl::StrAppend(&identity, "\n", StableName(*device));
  return MakeDeviceId(StableName(*set.front()), identity);
}

std::vector<int> NumaNodesOfUsb(const HostRoot& host, const UsbDevice& device) {
  return NumaNodesOfSysfs(host, absl::StrCat(kSysfsDevices, "/", device.port));
}

}  // namespace nodedevice
