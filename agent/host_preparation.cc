#include "agent/host_preparation.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxCommandLine = 64u << 10;
constexpr char kVfio[] = "vfio-pci";  // the module, and its driver

// The host's own /proc or /sys.
fs::path Kernel(const fs::path& host_root, const char* folder) {
  std::error_code error;
  const fs::path own = host_root / folder;
  return fs::is_directory(own, error) ? own : fs::path("/") / folder;
}

void AddArguments(const std::vector<std::string>& arguments, const fs::path& host_root,
                  std::vector<std::string>& lacking) {
  if (arguments.empty()) return;
  const absl::StatusOr<std::string> line =
      ReadFile(Kernel(host_root, "proc") / "cmdline", kMaxCommandLine);
  if (!line.ok()) {
    lacking.push_back(absl::StrCat("the kernel's command line: ", line.status().message()));
    return;
  }
  const std::set<std::string> has =
      absl::StrSplit(*line, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
  for (const std::string& argument : arguments) {
    if (has.contains(argument)) continue;
    lacking.push_back(absl::StrCat("the kernel was booted without the argument ", argument));
  }
}

// A module is called by either dash; its folder never has the short one.
void AddModules(std::vector<std::string> modules, bool needs_vfio, const fs::path& host_root,
                std::vector<std::string>& lacking) {
  if (needs_vfio && std::ranges::find(modules, kVfio) == modules.end()) {
    modules.emplace_back(kVfio);
  }
  for (const std::string& module : modules) {
    const fs::path folder =
        Kernel(host_root, "sys") / "module" / absl::StrReplaceAll(module, {{"-", "_"}});
    std::error_code error;
    if (fs::exists(folder, error)) continue;
    lacking.push_back(absl::StrCat("the kernel module ", module, " is not loaded"));
  }
}

// "8086:1572" of a folder of /sys/bus/pci/devices; empty when it cannot be read.
std::string PciId(const fs::path& device) {
  std::string id;
  for (const char* file : {"vendor", "device"}) {
    const absl::StatusOr<std::string> text = ReadAttribute(device / file);
    if (!text.ok() || !text->starts_with("0x")) return "";
    absl::StrAppend(&id, id.empty() ? "" : ":", text->substr(2));
  }
  return id;
}

void AddVfioDevices(const std::vector<std::string>& ids, const fs::path& host_root,
                    std::vector<std::string>& lacking) {
  std::set<std::string> wanted;
  for (const std::string& id : ids) wanted.insert(absl::AsciiStrToLower(id));
  if (wanted.empty()) return;
  const fs::path folder = Kernel(host_root, "sys") / "bus/pci/devices";
  for (const std::string& address : NamesIn(folder)) {
    const std::string id = PciId(folder / address);
    if (!wanted.contains(id)) continue;
    std::error_code no_driver;
    const std::string driver = fs::read_symlink(folder / address / "driver", no_driver).filename();
    if (driver == kVfio) continue;
    lacking.push_back(absl::StrCat("the PCI device ", address, " (", id, ") has ",
                                   driver.empty() ? "no driver" : "the driver " + driver,
                                   " instead of ", kVfio));
  }
}

}  // namespace

std::vector<std::string> LackingOnHost(const NodePreparation& preparation,
                                       const fs::path& host_root) {
  std::vector<std::string> lacking;
  AddArguments(preparation.kernel_arguments, host_root, lacking);
  AddModules(preparation.kernel_modules, !preparation.vfio_devices.empty(), host_root, lacking);
  AddVfioDevices(preparation.vfio_devices, host_root, lacking);
  return lacking;
}

}  // namespace nodedevice
