#include "plugin/discovery/pci_binder.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "plugin/discovery/pci_host_use.h"
#include "plugin/discovery/vfio.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr char kProbe[] = "/sys/bus/pci/drivers_probe";

}  // namespace

PciBinder::PciBinder(Pci pci, HostRoot host, Write write)
    : pci_(std::move(pci)), host_(std::move(host)), write_(std::move(write)) {}

const PciGroup* PciBinder::Bus::Find(const std::string& id) const {
  const auto found = std::ranges::find(groups, id, &PciGroup::id);
  return found == groups.end() ? nullptr : &*found;
}

PciBinder::Bus PciBinder::Look() const {
  Bus bus{.functions = ListPciFunctions(host_), .groups = {}};
  std::vector<std::string> notes;  // scans tell people
  bus.groups = GroupsOf(bus.functions, pci_, host_, &notes);
  return bus;
}

fs::path PciBinder::FileOf(const PciFunction& function, std::string_view name) const {
  return host_.Resolve(SysfsPathOf(function.address)) / name;
}

bool PciBinder::IsMarked(const PciFunction& function) const {
  const auto override = ReadAttribute(FileOf(function, "driver_override"));
  return override.ok() && *override == pci_.driver;
}

std::vector<const PciFunction*> PciBinder::Marked(const PciGroup& group) const {
  std::vector<const PciFunction*> marked;
  for (const auto& functions : {group.selected, group.others}) {
    std::ranges::copy_if(functions, std::back_inserter(marked),
                         [this](const PciFunction* function) { return IsMarked(*function); });
  }
  return marked;
}

absl::Status PciBinder::Bind(const PciFunction& function) const {
  RETURN_IF_ERROR(write_(FileOf(function, "driver_override"), absl::StrCat(pci_.driver, "\n")));
  if (!function.driver.empty()) {
    RETURN_IF_ERROR(write_(FileOf(function, "driver/unbind"), function.address));
  }
  RETURN_IF_ERROR(write_(host_.Resolve(kProbe), function.address));
  std::error_code error;
  const fs::path driver = fs::read_symlink(FileOf(function, "driver"), error);
  if (!error && driver.filename() == pci_.driver) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "the kernel was asked and did not do it: its log says why; is IOMMU group ",
      function.iommu_group, " complete, and does ", pci_.driver, " know such devices?"));
}

absl::Status PciBinder::GiveBack(const PciFunction& function) const {
  // The mark goes when the driver is gone: whatever fails before is tried again.
  std::error_code error;
  const fs::path driver = fs::read_symlink(FileOf(function, "driver"), error);
  if (!error && driver.filename() == pci_.driver) {
    RETURN_IF_ERROR(write_(FileOf(function, "driver/unbind"), function.address));
  }
  RETURN_IF_ERROR(write_(FileOf(function, "driver_override"), "\n"));
  return write_(host_.Resolve(kProbe), function.address);
}

absl::Status PciBinder::Prepare(const std::string& id) {
  const Bus bus = Look();
  const PciGroup* group = bus.Find(id);
  if (group == nullptr) return absl::NotFoundError("it is gone, or selected no longer");
  const std::vector<const PciFunction*> to_bind = ToBind(*group, pci_, host_);
  const PciHostUse use(host_);
  for (const PciFunction* function : to_bind) {
    const std::string problem = use.Of(*function);
    if (problem.empty()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(function->address, " is not bound to ", pci_.driver, ": ", problem));
  }
  for (auto function = to_bind.begin(); function != to_bind.end(); ++function) {
    const absl::Status bound = Bind(**function);
    if (bound.ok()) continue;
    for (auto touched = to_bind.begin(); touched <= function; ++touched) {
      const absl::Status undone = GiveBack(**touched);
      if (undone.ok()) continue;
      spdlog::error("{} cannot be given back to its driver: {}; it is tried again",
                    (*touched)->address, std::string(undone.message()));
    }
    return Annotate(bound, absl::StrCat("binding ", (*function)->address, " to ", pci_.driver));
  }
  return absl::OkStatus();
}

absl::Status PciBinder::Release(const std::string& id) {
  const Bus bus = Look();
  const PciGroup* group = bus.Find(id);
  if (group == nullptr) return absl::OkStatus();  // unplugged: nothing is left to be given back
  const std::vector<const PciFunction*> marked = Marked(*group);
  // The kernel would wait for whoever has it, with a lock held that every other driver waits for.
  if (!marked.empty() && IsGroupOpen(host_, group->selected.front()->iommu_group)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a process on the host still has IOMMU group ", group->selected.front()->iommu_group));
  }
  absl::Status result;
  for (const PciFunction* function : marked) {
    // One that fails keeps its mark or its driver; the others are given back all the same.
    result.Update(Annotate(GiveBack(*function), function->address));
  }
  return result;
}

std::set<std::string> PciBinder::Prepared() {
  const Bus bus = Look();
  std::set<std::string> ids;
  for (const PciGroup& group : bus.groups) {
    if (!Marked(group).empty()) ids.insert(group.id());
  }
  return ids;
}

}  // namespace nodedevice
