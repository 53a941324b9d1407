#include "plugin/discovery/pci_host_use.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/file.h"
#include "lib/base/unique_fd.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

// Whether anybody has the disk or a partition of it: a file system, swap, another layer. The kernel
// lets nobody else have a disk alone then.
bool IsClaimed(const fs::path& node) {
  const UniqueFd fd(::open(node.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK));
  return !fd && errno == EBUSY;
}

// "nvme2n1" of "nvme2c5n1", a path to a disk of several controllers. The disk itself hangs on no
// controller, and so on no device of the bus.
std::string DiskOfPath(const std::string& path) {
  const std::size_t controller = path.find('c');
  if (controller == std::string::npos) return "";
  const std::size_t disk = path.find('n', controller);
  return disk == std::string::npos ? "" : path.substr(0, controller) + path.substr(disk);
}

}  // namespace

std::vector<PciHostUse::Object> PciHostUse::ObjectsOf(const HostRoot& host,
                                                      const std::string& kind) {
  std::vector<Object> objects;
  const fs::path folder = host.Resolve(absl::StrCat("/sys/class/", kind));
  for (std::string& name : NamesIn(folder)) {
    std::error_code error;
    const fs::path link = fs::read_symlink(folder / name, error);
    if (!error) objects.push_back({.name = std::move(name), .place = link.string()});
  }
  return objects;
}

PciHostUse::PciHostUse(const HostRoot& host)
    : host_(host), interfaces_(ObjectsOf(host, "net")), disks_(ObjectsOf(host, "block")) {}

std::string PciHostUse::ProblemOfInterface(const std::string& name) const {
  const fs::path folder = host_.Resolve(absl::StrCat("/sys/class/net/", name));
  std::error_code error;
  const fs::path master = fs::read_symlink(folder / "master", error);
  if (!error) {
    return absl::StrCat("its network interface ", name, " is part of ", master.filename().string());
  }
  const auto state = ReadAttribute(folder / "operstate");
  if (state.ok() && *state == "up") return absl::StrCat("its network interface ", name, " is up");
  return "";
}

std::string PciHostUse::ProblemOfDisk(const std::string& name) const {
  const auto holders = NamesIn(host_.Resolve(absl::StrCat("/sys/class/block/", name, "/holders")));
  if (!holders.empty()) {
    return absl::StrCat("its disk ", name, " is part of ", absl::StrJoin(holders, ", "));
  }
  if (IsClaimed(host_.ResolveNative(absl::StrCat("/dev/", name)))) {
    return absl::StrCat("its disk ", name, " is in use");
  }
  return "";
}

std::string PciHostUse::Of(const PciFunction& function) const {
  const std::string below = absl::StrCat("/", function.address, "/");
  std::string problem;
  for (const Object& interface : interfaces_) {
    if (interface.place.find(below) == std::string::npos) continue;
    if (problem = ProblemOfInterface(interface.name); !problem.empty()) return problem;
  }
  for (const Object& disk : disks_) {
    if (disk.place.find(below) == std::string::npos) continue;
    if (problem = ProblemOfDisk(disk.name); !problem.empty()) return problem;
  }
  const fs::path controllers = host_.Resolve(SysfsPathOf(function.address)) / "nvme";
  for (const std::string& controller : NamesIn(controllers)) {
    for (const std::string& path : NamesIn(controllers / controller)) {
      const std::string disk = path.starts_with("nvme") ? DiskOfPath(path) : "";
      if (disk.empty()) continue;
      if (problem = ProblemOfDisk(disk); !problem.empty()) return problem;
    }
  }
  // They would vanish, whoever has them.
  const auto virtual_functions =
      ReadAttribute(host_.Resolve(SysfsPathOf(function.address)) / "sriov_numvfs");
  if (virtual_functions.ok() && *virtual_functions != "0") {
    return absl::StrCat("it has ", *virtual_functions, " virtual functions");
  }
  return "";
}

}  // namespace nodedevice
