#include "plugin/discovery/mdev_maker.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "plugin/discovery/vfio.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

// One note of all these; none of none.
void AddNote(std::string_view begin, const std::vector<std::string>& reasons,
             std::vector<std::string>& notes) {
  if (!reasons.empty()) notes.push_back(absl::StrCat(std::string(begin), FirstReasons(reasons)));
}

}  // namespace

MdevMaker::MdevMaker(std::string resource, std::vector<MdevCreation> rules, const HostRoot& host,
                     Write write)
    : resource_(std::move(resource)),
      rules_(std::move(rules)),
      host_(host),
      write_(std::move(write)) {}

MdevPlan MdevMaker::Plan(const Failures& failures) const {
  MdevParents parents = ListMdevParents(host_);
  for (const auto& [place, problem] : failures) {
    const auto parent = parents.find(place.first);
    if (parent == parents.end()) continue;
    const auto type = parent->second.find(place.second);
    if (type == parent->second.end()) continue;
    type->second.available = 0;
    type->second.problem = problem;
  }
  return PlanMdevs(parents, ListMdevs(host_), resource_, rules_);
}

DeviceMaker::Result MdevMaker::Work(const Order& order, const Begins& begins,
                                    const std::stop_token& stop) {
  Result result;
  const MdevPlan plan = Plan({});
  Remove(plan, order, begins, stop, result);
  // Types share what a parent has: what goes soon makes room for what comes.
  for (const std::string& uuid : result.unwanted) {
    if (!order.remove.contains(uuid) && !order.keep.contains(uuid)) return result;
  }
  Make(begins, stop, result);
  return result;
}

void MdevMaker::Remove(const MdevPlan& plan, const Order& order, const Begins& begins,
                       const std::stop_token& stop, Result& result) const {
  std::size_t removed = 0;
  std::vector<std::string> waiting;
  std::vector<std::string> failed;
  for (const auto& [uuid, why] : plan.unwanted) {
    if (!order.remove.contains(uuid) || stop.stop_requested()) {
      result.unwanted.insert(uuid);
      waiting.push_back(absl::StrCat(uuid, ": ", why));
      continue;
    }
    const absl::Status status = RemoveOne(uuid, begins);
    if (status.ok()) {
      ++removed;
    } else {
      result.unwanted.insert(uuid);
      failed.push_back(absl::StrCat(uuid, ": ", status.message()));
    }
  }
  if (removed > 0) {
    result.done.push_back(
        absl::StrCat(removed, " mediated devices that the entry does not ask for were removed"));
  }
  AddNote("is removed when no pod has had it for 30 s: ", waiting, result.notes);
  AddNote("could not be removed, and is tried again in a minute: ", failed, result.notes);
}

absl::Status MdevMaker::RemoveOne(const std::string& uuid, const Begins& begins) const {
  const std::string group = IommuGroupOf(host_, absl::StrCat(kMdevDevices, "/", uuid));
  // The kernel would wait until whoever has it lets go, or take it away from him.
  if (!group.empty() && IsGroupOpen(host_, group)) {
    return absl::FailedPreconditionError(
        absl::StrCat("a process on the host has IOMMU group ", group));
  }
  begins(absl::StrCat("removing mediated device ", uuid));
  RETURN_IF_ERROR(write_(host_.Resolve(MdevRemovePath(uuid)), "1"));
  if (!IsThere(uuid)) return absl::OkStatus();
  return absl::InternalError("the kernel was asked and did not do it: its log says why");
}

void MdevMaker::Make(const Begins& begins, const std::stop_token& stop, Result& result) const {
  Failures failures;
  std::map<Place, std::size_t> made;
  for (bool more = true;;) {
    const MdevPlan plan = Plan(failures);
    if (!more || plan.make.empty() || stop.stop_requested()) {
      result.notes.insert(result.notes.end(), plan.notes.begin(), plan.notes.end());
      break;
    }
    more = false;
    for (const MdevPlan::Make& device : plan.make) {
      if (stop.stop_requested()) break;
      const Place place(device.parent, device.type_id);
      std::string problem;  // of what is read: the next plan tells
      if (failures.contains(place) ||
          ReadAvailable(host_, device.parent, device.type_id, &problem) == 0) {
        continue;
      }
      const absl::Status status = MakeOne(device, begins);
      more = true;
      if (status.ok()) {
        ++made[place];
      } else {
        failures[place] = std::string(status.message());
      }
    }
  }
  for (const auto& [place, count] : made) {
    result.done.push_back(absl::StrCat(count, " mediated devices of type ", place.second,
                                       " were made on ", place.first));
  }
}

absl::Status MdevMaker::MakeOne(const MdevPlan::Make& device, const Begins& begins) const {
  begins(absl::StrCat("making a mediated device of type ", device.type_id, " on ", device.parent));
  RETURN_IF_ERROR(
      write_(host_.Resolve(MdevCreatePath(device.parent, device.type_id)), device.uuid));
  if (IsThere(device.uuid)) return absl::OkStatus();
  return absl::InternalError("the kernel was asked and did not do it: its log says why");
}

bool MdevMaker::IsThere(const std::string& uuid) const {
  std::error_code error;
  return fs::is_symlink(host_.Resolve(absl::StrCat(kMdevDevices, "/", uuid)), error);
}

}  // namespace nodedevice
