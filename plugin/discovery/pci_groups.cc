#include "plugin/discovery/pci_groups.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "plugin/discovery/pci_match.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

bool IsNvidiaVirtualGpu(const HostRoot& host, const PciFunction& function) {
  if (function.driver != "nvidia") return false;
  const fs::path folder = host.Resolve(SysfsPathOf(function.address));
  const auto type = ReadAttribute(folder / "nvidia/current_vgpu_type");
  std::error_code error;
  return type.ok() && !type->empty() && *type != "0" &&
         !fs::exists(folder / "sriov_totalvfs", error);
}

std::vector<const PciFunction*> Select(const std::vector<PciFunction>& functions, const Pci& pci,
                                       const HostRoot& host, std::vector<std::string>* notes) {
  PciMatcher matcher(host);
  std::vector<bool> matched(pci.selectors.size());
  std::vector<const PciFunction*> selected;
  for (const PciFunction& function : functions) {
    if (function.is_bridge()) continue;
    bool any = false;
    for (std::size_t i = 0; i < pci.selectors.size(); ++i) {
      if (!matcher.Matches(pci.selectors[i], function)) continue;
      matched[i] = any = true;
    }
    if (any) selected.push_back(&function);
  }
  for (std::size_t i = 0; i < pci.selectors.size(); ++i) {
    if (matched[i]) continue;
    notes->push_back(absl::StrCat("no PCI device has ", Describe(pci.selectors[i])));
  }
  return selected;
}

}  // namespace

std::vector<PciGroup> GroupsOf(const std::vector<PciFunction>& functions, const Pci& pci,
                               const HostRoot& host, std::vector<std::string>* notes) {
  std::vector<PciGroup> groups;
  std::map<std::string_view, std::size_t> by_group;
  for (const PciFunction* function : Select(functions, pci, host, notes)) {
    const bool alone = !IsVfioDriver(pci.driver) || function->iommu_group.empty();
    if (!alone) {
      const auto [known, fresh] = by_group.emplace(function->iommu_group, groups.size());
      if (!fresh) {
        groups[known->second].selected.push_back(function);
        continue;
      }
    }
    groups.push_back({.selected = {function}, .others = {}});
  }
  for (const PciFunction& function : functions) {
    const auto known = by_group.find(function.iommu_group);
    if (known == by_group.end()) continue;
    PciGroup& group = groups[known->second];
    if (std::ranges::find(group.selected, &function) == group.selected.end()) {
      group.others.push_back(&function);
    }
  }
  return groups;
}

bool HasWantedDriver(const PciFunction& function, const Pci& pci, const HostRoot& host) {
  return function.driver == pci.driver ||
         (IsVfioDriver(pci.driver) && IsNvidiaVirtualGpu(host, function));
}

bool KeepsGroupBack(const PciFunction& function, const HostRoot& host) {
  const bool free = function.driver.empty() || function.is_bridge() ||
                    IsVfioDriver(function.driver) || function.driver == "pcieport" ||
                    function.driver == "pci-stub";
  return !free && !IsNvidiaVirtualGpu(host, function);
}

std::vector<const PciFunction*> ToBind(const PciGroup& group, const Pci& pci,
                                       const HostRoot& host) {
  std::vector<const PciFunction*> functions;
  for (const PciFunction* function : group.selected) {
    if (!HasWantedDriver(*function, pci, host)) functions.push_back(function);
  }
  for (const PciFunction* function : group.others) {
    if (KeepsGroupBack(*function, host)) functions.push_back(function);
  }
  return functions;
}

}  // namespace nodedevice
