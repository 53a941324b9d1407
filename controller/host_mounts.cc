#include "controller/host_mounts.h"

#include <algorithm>
#include <string_view>
#include <variant>

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

// "/var/lib/x" of "/var/lib/x/y*": the folder of the first part that is not literal, or the last.
std::string FolderOf(std::string_view pattern) {
  const std::string_view literal = pattern.substr(0, pattern.find_first_of("*?["));
  return std::string(literal.substr(0, literal.rfind('/')));
}

void AddFolder(HostMount mount, HostMounts& mounts) {
  const auto same = std::ranges::find(mounts.folders, mount.mount_path, &HostMount::mount_path);
  if (same == mounts.folders.end()) {
    mounts.folders.push_back(std::move(mount));
  } else {
    same->writable = same->writable || mount.writable;
  }
}

void AddPath(std::string_view pattern, HostMounts& mounts) {
  if (pattern.starts_with("/dev/")) {
    mounts.dev = true;
  } else if (pattern.starts_with("/sys/")) {
    mounts.sys = true;
  } else if (pattern.starts_with("/var/")) {
    const std::string folder = FolderOf(pattern);
    AddFolder({.host_path = folder,
               .mount_path = absl::StrCat("/host", folder),
               .create = folder != "/var"},
              mounts);
  } else {
    const std::string top(pattern.substr(0, pattern.find('/', 1)));
    AddFolder({.host_path = top, .mount_path = absl::StrCat("/host", top), .create = false},
              mounts);
  }
}

// Where container runtimes look for what CDI names mean.
void AddCdiFolder(HostMounts& mounts) {
  AddFolder({.host_path = "/var/run/cdi",
             .mount_path = "/host/var/run/cdi",
             .create = true,
             .writable = true},
            mounts);
}

void Add(const Paths& paths, bool topology, HostMounts& mounts) {
  for (const PathGroup& group : paths.groups) {
    if (!group.usb.empty()) mounts.dev = mounts.sys = true;
    for (const PathRule& rule : group.paths) {
      AddPath(rule.pattern, mounts);
      // Where the kernel says on which NUMA node a device is.
      if (rule.type == PathRule::Type::kDevice && topology) mounts.sys = true;
    }
  }
}

void Add(const Onload& onload, HostMounts& mounts) {
  mounts.dev = mounts.sys = true;
  AddPath(absl::StrCat(onload.host_path == "/" ? "" : onload.host_path, "/usr/"), mounts);
}

void Add(const AdjunctProcessor& family, HostMounts& mounts) {
  mounts.dev = mounts.sys = mounts.dev_writable = mounts.sys_writable = true;
  AddFolder({.host_path = family.shadow_path,
             .mount_path = absl::StrCat("/host", family.shadow_path),
             .create = true,
             .writable = true},
            mounts);
  if (!family.config_file.empty()) AddPath(family.config_file, mounts);
}

void Add(const Static& devices, HostMounts& mounts) {
  for (const StaticDevice& device : devices.devices) {
    for (const StaticNode& node : device.nodes) AddPath(node.path, mounts);
  }
  if (!devices.hold_file.empty()) AddPath(devices.hold_file, mounts);
  if (!devices.cdi_kind.empty()) AddCdiFolder(mounts);
}

void Add(const Nvidia& nvidia, bool topology, HostMounts& mounts) {
  constexpr std::string_view kCosFolder = "/home/kubernetes/bin";
  mounts.dev = true;
  if (topology) mounts.sys = true;
  AddFolder({.host_path = "/proc/driver", .mount_path = "/host/proc/driver"}, mounts);
  const std::string root = DriverRootOf(nvidia);
  if (root.starts_with(kCosFolder)) {
    AddFolder({.host_path = std::string(kCosFolder),
               .mount_path = absl::StrCat("/host", std::string(kCosFolder)),
               .create = true},
              mounts);
  } else {
    AddPath(root == "/" ? "/usr/lib" : root, mounts);
  }
  // What NVIDIA's own configuration says is known on the node only.
  if (!nvidia.config_file.empty()) AddPath(nvidia.config_file, mounts);
  if (!nvidia.config_file.empty() || UsesMps(nvidia)) AddPath(nvidia.mps_root + "/", mounts);
  if (!GivesCdiNames(nvidia) && nvidia.config_file.empty()) return;
  AddPath("/usr/bin/nvidia-ctk", mounts);
  AddCdiFolder(mounts);
}

void Add(const Exec& exec, HostMounts& mounts) {
  if (exec.command.empty()) return;
  const std::string_view program = exec.command.front();
  const std::string folder(program.substr(0, program.rfind('/')));
  for (const std::string_view place : {"/opt", "/var", "/usr/local"}) {
    if (program.starts_with(absl::StrCat(std::string(place), "/"))) {
      AddFolder({.host_path = folder, .mount_path = folder, .create = folder != place}, mounts);
    }
  }
}

}  // namespace

HostMounts MountsFor(const std::vector<PluginSpec>& plugins) {
  HostMounts mounts;
  for (const PluginSpec& plugin : plugins) {
    if (const Paths* paths = std::get_if<Paths>(&plugin.discovery)) {
      Add(*paths, plugin.topology, mounts);
    } else if (const Pci* pci = std::get_if<Pci>(&plugin.discovery)) {
      mounts.dev = mounts.sys = true;
      mounts.sys_writable = mounts.sys_writable || pci->bind;
    } else if (const Mdev* mdev = std::get_if<Mdev>(&plugin.discovery)) {
      mounts.dev = mounts.sys = true;
      mounts.sys_writable = mounts.sys_writable || !mdev->create.empty();
    } else if (std::holds_alternative<Usb>(plugin.discovery)) {
      mounts.dev = mounts.sys = true;  // they are found in /sys, and given as nodes of /dev
    } else if (const Nvidia* nvidia = std::get_if<Nvidia>(&plugin.discovery)) {
      Add(*nvidia, plugin.topology, mounts);
    } else if (const Onload* onload = std::get_if<Onload>(&plugin.discovery)) {
      Add(*onload, mounts);
    } else if (const auto* queues = std::get_if<AdjunctProcessor>(&plugin.discovery)) {
      Add(*queues, mounts);
    } else if (const Static* devices = std::get_if<Static>(&plugin.discovery)) {
      Add(*devices, mounts);
    } else if (const Exec* exec = std::get_if<Exec>(&plugin.discovery)) {
      Add(*exec, mounts);
    }
  }
  std::ranges::sort(mounts.folders, {}, &HostMount::mount_path);
  return mounts;
}

}  // namespace nodedevice
