#include "plugin/discovery/onload.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"
#include "lib/base/utf8.h"
#include "plugin/discovery/device_node.h"
#include "plugin/discovery/numa.h"
#include "plugin/natural_order.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kSolarflare = 0x1924;
constexpr char kInterfaces[] = "/sys/class/net";
constexpr std::size_t kMaxDeviceList = 1u << 20;
constexpr std::size_t kMaxLibraries = 64;  // an installation has a handful
constexpr std::size_t kMaxShownPath = 256;

// Where Onload's own installation puts them, below wherever it is.
constexpr char kLibraries[] = "/usr/lib64";
constexpr char kCommand[] = "/usr/bin/onload";
constexpr char kLibrary[] = "libonload.so";
constexpr std::array<std::string_view, 2> kLibraryNames = {kLibrary, "libonload_ext.so"};

constexpr char kPermissions[] = "mrw";
constexpr std::array<std::string_view, 3> kNodes = {"/dev/onload", "/dev/onload_epoll",
                                                    "/dev/sfc_char"};
// Releases before 2017 have them: a program on Onload needs the first.
constexpr std::string_view kControlPlane = "/dev/onload_cplane";
constexpr std::string_view kAffinity = "/dev/sfc_affinity";

// "/" and "/usr/lib64" -> "/usr/lib64"
std::string Join(std::string_view base, std::string_view below) {
  if (base == "/") base = "";
  return absl::StrCat(std::string(base), std::string(below));
}

bool Exists(const HostRoot& host, std::string_view path) {
  struct stat info;
  return ::lstat(host.ResolveNative(path).c_str(), &info) == 0;
}

// Whether the host's /proc is seen, and not just the folder of GPUs that is mounted below it.
bool IsProcSeen(const fs::path& proc) {
  std::error_code error;
  return fs::is_directory(proc, error) && NamesIn(proc) != std::vector<std::string>{"driver"};
}

// The names of the kernel's character devices; of this process' /proc where the host's is not seen,
// as in a container: both show the same kernel.
absl::StatusOr<std::set<std::string>> CharacterDevices(const HostRoot& host) {
  const fs::path own = host.Resolve("/proc");
  ASSIGN_OR_RETURN(
      const std::string text,
      ReadFile((IsProcSeen(own) ? own : fs::path("/proc")) / "devices", kMaxDeviceList));
  std::set<std::string> names;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line == "Block devices:") break;
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    int major = 0;
    if (words.size() == 2 && absl::SimpleAtoi(words[0], &major)) names.emplace(words[1]);
  }
  return names;
}

// Why the driver cannot serve anybody; empty: it can.
std::string DriverProblem(const HostRoot& host) {
  const auto devices = CharacterDevices(host);
  if (!devices.ok()) {
    return absl::StrCat("cannot tell whether Onload's driver is loaded: ",
                        devices.status().message());
  }
  std::vector<std::string> lacking;
  for (const char* name : {"onload", "onload_epoll"}) {
    if (!devices->contains(name)) lacking.emplace_back(name);
  }
  // An own device of old releases only.
  if (Exists(host, kControlPlane) && !devices->contains("onload_cplane")) {
    lacking.emplace_back("onload_cplane");
  }
  if (lacking.empty()) return "";
  return absl::StrCat("Onload's driver is not loaded, /proc/devices does not name ",
                      absl::StrJoin(lacking, ", "),
                      ": install Onload's kernel modules for this kernel and load them (modprobe "
                      "onload; spec.nodePreparation.kernelModules loads them at boot)");
}

}  // namespace

std::vector<std::string> SolarflareInterfaces(const HostRoot& host) {
  std::vector<std::string> names;
  const fs::path folder = host.Resolve(kInterfaces);
  for (const std::string& name : NamesIn(folder)) {
    // Links of sysfs are relative, so they stay below the root.
    const auto vendor = ReadAttribute(folder / name / "device/vendor");
    std::uint32_t number = 0;
    if (vendor.ok() && absl::SimpleHexAtoi(*vendor, &number) && number == kSolarflare) {
      names.push_back(name);
    }
  }
  std::ranges::sort(names, NaturalLess());
  return names;
}

OnloadSource::OnloadSource(std::string resource, Onload onload, bool topology, const HostRoot& host)
    : resource_(std::move(resource)),
      onload_(std::move(onload)),
      topology_(topology),
      host_(host) {}

absl::StatusOr<Inventory> OnloadSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  const std::vector<std::string> interfaces = SolarflareInterfaces(host_);
  const bool by_interface = onload_.announce == Onload::Announce::kInterfaces;
  // inotify sees nothing of sysfs: an interface that comes is found by the rescan.
  inventory.directories.insert(host_.Resolve("/dev"));
  if (interfaces.empty() && (by_interface || onload_.need_nic)) {
    inventory.notes.emplace_back("there is no network interface of Solarflare (PCI vendor 1924)");
    return inventory;
  }
  Device device = Common(&inventory);
  if (!by_interface) {
    for (int slot = 0; slot < onload_.max; ++slot) {
      set.insert_or_assign(set.end(), absl::StrCat("sfc-", slot), device);
    }
    return inventory;
  }
  for (const std::string& interface : interfaces) {
    if (topology_) {
      device.numa_nodes =
          NumaNodesOfSysfs(host_, absl::StrCat(kInterfaces, "/", interface, "/device"));
    }
    set.insert_or_assign(interface, device);
  }
  return inventory;
}

Device OnloadSource::Common(Inventory* inventory) const {
  Device device;
  const std::string driver = DriverProblem(host_);
  const std::string node = AddNodes(&device);
  const std::string file = AddFiles(inventory, &device);
  // The first cause, from which the others may follow.
  for (const std::string& problem : {driver, node, file}) {
    if (device.problem.empty()) device.problem = problem;
  }
  if (onload_.preload) {
    device.env_items.push_back(
        {"LD_PRELOAD",
         absl::StrCat(Join(onload_.base_mount_path, onload_.lib_path), "/", kLibrary)});
  }
  return device;
}

std::string OnloadSource::AddNodes(Device* device) const {
  std::string problem;
  for (const std::string_view path : kNodes) {
    device->nodes.push_back({std::string(path), "", kPermissions});
    if (problem.empty()) problem = NodeProblem(host_, std::string(path));
  }
  std::vector<std::string_view> optional = {kControlPlane};
  if (onload_.announce == Onload::Announce::kInterfaces) optional.push_back(kAffinity);
  for (const std::string_view path : optional) {
    if (!NodeProblem(host_, std::string(path)).empty()) continue;
    device->nodes.push_back({std::string(path), "", kPermissions});
  }
  return problem;
}

std::string OnloadSource::AddFiles(Inventory* inventory, Device* device) const {
  const auto mount = [device](const std::string& from, std::string to) {
    device->mounts.push_back({from, from == to ? "" : std::move(to), /*read_only=*/true});
  };
  const auto is_file = [this](const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(host_.Resolve(host_.Canonical(path)), error);
    return fs::is_regular_file(status);
  };
  const std::string folder = Join(onload_.host_path, kLibraries);
  const std::string in_container = Join(onload_.base_mount_path, onload_.lib_path);
  const fs::path there = host_.Resolve(host_.Canonical(folder));
  inventory->directories.insert(there);
  const std::vector<std::string> names = NamesIn(there);
  bool has_library = false;
  std::vector<std::string> left_out;
  for (const std::string_view prefix : kLibraryNames) {
    for (auto name = std::ranges::lower_bound(names, prefix);
         name != names.end() && name->starts_with(prefix); ++name) {
      const std::string path = absl::StrCat(folder, "/", *name);
      // What is not UTF-8 could not even be told to the kubelet.
      if (device->mounts.size() == kMaxLibraries || FindInvalidUtf8(*name) != std::string::npos ||
          !is_file(path)) {
        left_out.push_back(path);
        continue;
      }
      has_library = has_library || *name == kLibrary;
      mount(path, absl::StrCat(in_container, "/", *name));
    }
  }
  if (!left_out.empty()) {
    inventory->notes.push_back(absl::StrCat(
        "not given to containers, for it is no file or more than the ", kMaxLibraries,
        " that are: ", OneLine(left_out[0], kMaxShownPath),
        left_out.size() == 1 ? "" : absl::StrCat(" and ", left_out.size() - 1, " more")));
  }
  std::string problem;
  if (!has_library) {
    std::string lacking = absl::StrCat(folder, "/", kLibrary,
                                       " does not exist: install Onload's libraries there, or say "
                                       "in onload.hostPath where they are");
    if (onload_.preload || onload_.mount_onload) {
      problem = std::move(lacking);
    } else {
      inventory->notes.push_back(std::move(lacking));
    }
  }
  if (onload_.mount_onload) {
    const std::string command = Join(onload_.host_path, kCommand);
    inventory->directories.insert(host_.Resolve(host_.Canonical(command)).parent_path());
    if (!is_file(command) && problem.empty()) {
      problem = absl::StrCat(command, " does not exist, and mountOnload asks for it");
    }
    mount(command, absl::StrCat(Join(onload_.base_mount_path, onload_.bin_path), "/onload"));
  }
  return problem;
}

}  // namespace nodedevice
