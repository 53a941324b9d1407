#include "plugin/discovery/adjunct_processor.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugin/node_file.h"
#include "plugin/zcrypt/adjunct_processor_preparer.h"
#include "plugin/zcrypt/ap_bus.h"
#include "plugin/zcrypt/apqn_id.h"
#include "plugin/zcrypt/host_edits.h"
#include "plugin/zcrypt/shadow_sysfs.h"
#include "plugin/zcrypt/zcrypt_node.h"

namespace nodedevice {
namespace {

constexpr char kNodeInContainer[] = "/dev/z90crypt";
constexpr char kPermissions[] = "rw";
constexpr std::size_t kMaxNamed = 8;

// What a container is given of one of a queue's devices.
Device DeviceOf(const ApqnId& id, const AdjunctProcessor& family) {
  Device device;
  device.nodes.push_back(
      {absl::StrCat("/dev/", ZcryptNodeName(id)), kNodeInContainer, kPermissions});
  const std::string shadow = absl::StrCat(family.shadow_path, "/", ShadowFolderName(id), "/");
  const auto mount = [&](const char* from, std::string to) {
    device.mounts.push_back({shadow + from, std::move(to), /*read_only=*/true});
  };
  mount(kShadowBus, kApBus);
  mount(kShadowDevices, kApDevices);
  if (family.live_sysfs) {
    mount(kShadowQueue, absl::StrCat(kApBus, "/devices/", ApQueueName(id.adapter, id.domain)));
  }
  return device;
}

// "a, b and 3 more"
std::string Named(const std::vector<std::string>& all) {
  const std::size_t named = std::min(all.size(), kMaxNamed);
  std::string names =
      absl::StrJoin(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(named), ", ");
  if (named == all.size()) return names;
  return absl::StrCat(names, " and ", all.size() - named, " more");
}

}  // namespace

AdjunctProcessorSource::AdjunctProcessorSource(std::string resource, const AdjunctProcessor& family,
                                               const HostRoot& host)
    : resource_(std::move(resource)),
      host_(host),
      config_file_(family.config_file),
      selection_(std::make_shared<ApSelection>(family, host)) {}

absl::StatusOr<Inventory> AdjunctProcessorSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  ApSelection::State state = selection_->Read();
  inventory.notes = std::move(state.notes);
  // inotify sees nothing of sysfs: what changes there is found by the rescan.
  if (!config_file_.empty()) inventory.directories = NodeFileDirectories(host_, config_file_);
  std::error_code error;
  if (!std::filesystem::is_directory(host_.Resolve(kApBus), error)) {
    inventory.notes.push_back(absl::StrCat(kApBus,
                                           " does not exist: this node has no Adjunct Processor "
                                           "bus, which machines of IBM Z have"));
  }
  const std::string zcrypt = ZcryptProblem(host_);
  std::vector<std::string> missing;
  std::set<std::string> unwanted;  // one sentence for all queues of a card
  for (const Apqn& apqn : state.family.apqns) {
    const bool known = announced_.contains({apqn.adapter, apqn.domain});
    const auto queue = ReadApQueue(host_, apqn.adapter, apqn.domain);
    if (!queue.ok()) {
      if (known) {
        Add(apqn, state.family, absl::StrCat(queue.status().message(), " any more"), set);
      } else {
        missing.push_back(ApQueueName(apqn.adapter, apqn.domain));
      }
      continue;
    }
    const std::string why_not = WhyNotWanted(state.family, *queue, apqn.adapter);
    if (why_not.empty()) {
      Add(apqn, state.family, queue->problem.empty() ? zcrypt : queue->problem, set);
    } else if (known) {
      Add(apqn, state.family, why_not, set);
    } else {
      unwanted.insert(why_not);
    }
  }
  if (!missing.empty()) {
    inventory.notes.push_back(absl::StrCat(
        "not on this node: ", missing.size() == 1 ? "queue " : "queues ", Named(missing)));
  }
  inventory.notes.insert(inventory.notes.end(), unwanted.begin(), unwanted.end());
  return inventory;
}

void AdjunctProcessorSource::Add(const Apqn& apqn, const AdjunctProcessor& family,
                                 const std::string& problem, DeviceSet& set) {
  announced_.insert({apqn.adapter, apqn.domain});
  for (int index = 0; index < family.overcommit; ++index) {
    const ApqnId id = {apqn.adapter, apqn.domain, index};
    Device device = DeviceOf(id, family);
    device.problem = problem;
    set.emplace(ToText(id), std::move(device));
  }
}

std::unique_ptr<DevicePreparer> AdjunctProcessorSource::MakePreparer() {
  return std::make_unique<AdjunctProcessorPreparer>(resource_, selection_, host_,
                                                    std::make_unique<DirectHostEdits>(host_));
}

}  // namespace nodedevice
