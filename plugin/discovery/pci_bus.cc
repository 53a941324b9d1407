#include "plugin/discovery/pci_bus.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "lib/base/file.h"
#include "plugin/discovery/vfio.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr char kDevices[] = "/sys/bus/pci/devices";
constexpr std::size_t kMaxUevent = 4096;

template <typename T>
bool ParseHex(absl::string_view text, T* value) {
  std::uint32_t parsed = 0;
  if (!absl::SimpleHexAtoi(text, &parsed) || parsed > static_cast<T>(-1)) return false;
  *value = static_cast<T>(parsed);
  return true;
}

std::string LinkedName(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  return error ? "" : target.filename().string();
}

// One file tells all numbers.
bool ReadUevent(const fs::path& device, PciFunction* function) {
  const auto text = ReadFile(device / "uevent", kMaxUevent);
  if (!text.ok()) return false;
  bool has_id = false;
  bool has_class = false;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> entry =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (entry.first == "PCI_CLASS") has_class = ParseHex(entry.second, &function->class_code);
    if (entry.first != "PCI_ID") continue;
    const std::pair<absl::string_view, absl::string_view> id =
        absl::StrSplit(entry.second, absl::MaxSplits(':', 1));
    has_id = ParseHex(id.first, &function->vendor) && ParseHex(id.second, &function->device);
  }
  return has_id && has_class;
}

bool ReadNumbers(const fs::path& device, PciFunction* function) {
  const auto vendor = ReadAttribute(device / "vendor");
  const auto number = ReadAttribute(device / "device");
  if (!vendor.ok() || !number.ok()) return false;
  if (!ParseHex(*vendor, &function->vendor) || !ParseHex(*number, &function->device)) return false;
  ParseHex(ReadAttribute(device / "class").value_or(""), &function->class_code);
  return true;
}

}  // namespace

std::string SysfsPathOf(std::string_view address) {
  return absl::StrCat(kDevices, "/", std::string(address));
}

std::vector<PciFunction> ListPciFunctions(const HostRoot& host) {
  std::vector<PciFunction> functions;
  const fs::path folder = host.Resolve(kDevices);
  for (const std::string& address : NamesIn(folder)) {
    const fs::path path = folder / address;
    PciFunction function;
    function.address = address;
    if (!ReadUevent(path, &function) && !ReadNumbers(path, &function)) continue;
    function.driver = LinkedName(path / "driver");
    function.iommu_group = IommuGroupOf(host, SysfsPathOf(function.address));
    function.physical_function = LinkedName(path / "physfn");
    functions.push_back(std::move(function));
  }
  return functions;
}

std::uint32_t PciRootOf(const HostRoot& host, std::string_view address) {
  // "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0"
  const std::string path = host.Canonical(SysfsPathOf(address));
  absl::string_view name = path;
  if (!absl::ConsumePrefix(&name, "/sys/devices/pci")) return 0;
  const std::pair<absl::string_view, absl::string_view> root =
      absl::StrSplit(name.substr(0, name.find('/')), absl::MaxSplits(':', 1));
  std::uint32_t domain = 0;
  std::uint8_t bus = 0;
  if (!ParseHex(root.first, &domain) || !ParseHex(root.second, &bus)) return 0;
  return (domain << 8 | bus) + 1;
}

}  // namespace nodedevice
