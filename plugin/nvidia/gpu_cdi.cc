#include "plugin/nvidia/gpu_cdi.h"

#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "plugin/nvidia/library_search.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

// Where the vendor's container toolkit puts its program.
constexpr const char* kHooks[] = {"/usr/bin/nvidia-ctk", "/usr/local/nvidia/toolkit/nvidia-ctk"};

constexpr const char* kPrograms[] = {"/usr/bin/nvidia-smi", "/usr/bin/nvidia-debugdump",
                                     "/usr/bin/nvidia-cuda-mps-control",
                                     "/usr/bin/nvidia-cuda-mps-server"};
bool Exists(const HostRoot& root, const std::string& path) {
  std::error_code error;
  return fs::exists(root.Resolve(root.Canonical(path)), error);
}

// Every name in the folder that leads to a file of this version: the file itself and the links by
// which programs know it. The mounts are sorted by name.
void AddLibraries(const HostRoot& driver, const std::string& prefix, const std::string& folder,
                  const std::string& ending, DriverFiles& files) {
  const std::string real = driver.Canonical(folder);
  bool any = false;
  for (const std::string& name : NamesIn(driver.Resolve(real))) {
    if (!name.starts_with("lib") || name.find(".so") == std::string::npos) continue;
    const std::string target = driver.Canonical(absl::StrCat(real, "/", name));
    if (!target.ends_with(ending)) continue;
    files.mounts.push_back({prefix + target, absl::StrCat(real, "/", name), /*read_only=*/true});
    any = true;
  }
  if (any) files.folders.push_back(real);
}

CdiEdits EditsOf(const GpuFiles& files, const std::vector<std::string>& nodes) {
  CdiEdits edits;
  for (const std::string& node : nodes) edits.nodes.push_back(GpuNode(files, node));
  return edits;
}

}  // namespace

CdiSpec MakeGpuCdi(const Nvidia& nvidia, const Gpus& gpus, const GpuFiles& files,
                   const DriverFiles& driver) {
  CdiSpec spec;
  spec.kind = kGpuCdiKind;
  for (const Gpu& gpu : gpus.gpus) {
    if (!gpu.minor) continue;
    const std::string node = absl::StrCat("/dev/nvidia", *gpu.minor);
    spec.devices.emplace(GpuName(nvidia, gpu, nullptr), EditsOf(files, {node}));
    for (const MigDevice& mig : gpu.mig_devices) {
      std::vector<std::string> nodes = MigCapNodes(files.mig_minors, *gpu.minor, mig);
      if (nodes.empty()) continue;
      nodes.insert(nodes.begin(), node);
      spec.devices.emplace(GpuName(nvidia, gpu, &mig), EditsOf(files, nodes));
    }
  }
  spec.common = EditsOf(files, files.controls);
  // So that the NVIDIA Container Runtime, where it is the runtime, adds nothing of its own.
  spec.common.envs = {{"NVIDIA_VISIBLE_DEVICES", "void"}};
  spec.common.mounts = driver.mounts;
  if (!driver.hook.empty() && !driver.folders.empty()) {
    CdiHook hook = {.name = "createContainer",
                    .path = driver.hook,
                    .args = {"nvidia-ctk", "hook", "update-ldcache"}};
    for (const std::string& folder : driver.folders) {
      hook.args.insert(hook.args.end(), {"--folder", folder});
    }
    spec.common.hooks.push_back(std::move(hook));
  }
  return spec;
}

DriverFiles ReadDriverFiles(const HostRoot& host, const std::string& driver_root,
                            const std::string& driver_version) {
  DriverFiles files;
  const std::string prefix = driver_root == "/" ? "" : driver_root;
  const HostRoot driver(host.Resolve(host.Canonical(driver_root)));
  if (!driver_version.empty()) {
    std::set<std::string> seen;
    for (const char* folder : LibraryFolders()) {
      // /lib64 may be a link to /usr/lib64.
      if (!seen.insert(driver.Canonical(folder)).second) continue;
      AddLibraries(driver, prefix, folder, absl::StrCat(".so.", driver_version), files);
    }
  }
  for (const char* program : kPrograms) {
    if (Exists(driver, program)) {
      files.mounts.push_back({prefix + driver.Canonical(program), program, /*read_only=*/true});
    }
  }
  for (const char* hook : kHooks) {
    if (files.hook.empty() && Exists(host, hook)) files.hook = hook;
  }
  return files;
}

}  // namespace nodedevice
