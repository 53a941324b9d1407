#include "agent/device_conflicts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxSentences = 16;
// No character of UTF-8 is longer, so a text that was cut is at most this much shorter than
// allowed.
constexpr std::size_t kLongestCharacter = 4;

// What many may have at the same time without taking anything from each other. /dev/shm and
// /dev/hugepages are no devices, but may be mounted beside one.
constexpr std::string_view kOpenToAll[] = {
    // Whoever opens it gets something of his own.
    "/dev/cuse", "/dev/full", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/null", "/dev/ptmx",
    "/dev/random", "/dev/sev", "/dev/sgx_enclave", "/dev/sgx_provision", "/dev/tty", "/dev/udmabuf",
    "/dev/uinput", "/dev/urandom", "/dev/userfaultfd", "/dev/vhost-net", "/dev/vhost-vsock",
    "/dev/vsock", "/dev/zero",
    // Of a whole family.
    "/dev/infiniband/rdma_cm", "/dev/iommu", "/dev/kfd", "/dev/nvidia-modeset", "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools", "/dev/nvidiactl", "/dev/onload", "/dev/onload_cplane",
    "/dev/onload_epoll", "/dev/sfc_affinity", "/dev/sfc_char", "/dev/vfio/vfio",
    // Folders.
    "/dev/hugepages", "/dev/shm"};

constexpr std::string_view kVfio = "/dev/vfio/";

// "/dev/vfio/12", "/dev/vfio/noiommu-3"
bool IsIommuGroup(std::string_view path) {
  return path.starts_with(kVfio) && path.find('/', kVfio.size()) == std::string_view::npos;
}

// The form of `id`, where '0' stands for hexadecimal digits: "00000000-0000-..." or "0000:00:00.0".
bool HasForm(std::string_view id, std::string_view form) {
  return id.size() == form.size() &&
         std::equal(id.begin(), id.end(), form.begin(), [](char c, char f) {
           return f == '0' ? absl::ascii_isxdigit(static_cast<unsigned char>(c)) : c == f;
         });
}

// Whether the id is the name that the device has everywhere: "GPU-<uuid>", "MIG-<uuid>", the UUID
// of a mediated device, the address of a PCI function.
bool NamesTheDevice(std::string_view id) {
  for (const std::string_view prefix : {"GPU-", "MIG-"}) {
    if (id.starts_with(prefix)) id.remove_prefix(prefix.size());
  }
  return HasForm(id, "00000000-0000-0000-0000-000000000000") || HasForm(id, "0000:00:00.0");
}

// The nodes that are the device's own, sorted. They point into `paths`.
std::vector<std::string_view> OwnNodes(std::string_view paths) {
  std::vector<std::string_view> own;
  const bool may_be_cut = paths.size() + kLongestCharacter > kMaxReportText;
  if (may_be_cut) paths = paths.substr(0, std::min(paths.size(), paths.rfind(' ')));
  for (const absl::string_view piece :
       absl::StrSplit(absl::string_view(paths.data(), paths.size()), ' ')) {
    const std::string_view path(piece.data(), piece.size());
    if (!path.starts_with("/dev/")) continue;
    if (std::ranges::find(kOpenToAll, path) != std::end(kOpenToAll)) continue;
    own.push_back(path);
  }
  if (std::ranges::any_of(own, IsIommuGroup)) {
    std::erase_if(own, [](std::string_view path) { return !IsIommuGroup(path); });
  }
  std::ranges::sort(own);
  own.erase(std::unique(own.begin(), own.end()), own.end());
  return own;
}

struct Candidate {
  const AnnouncedResource* resource;
  const AnnouncedDevice* device;
  std::vector<std::string_view> own;
};

class Search {
 public:
  Search(const std::vector<AnnouncedResource>& resources, const std::set<DeviceConflict>& known)
      : known_(known) {
    for (const AnnouncedResource& resource : resources) {
      for (const AnnouncedDevice& device : resource.devices) {
        candidates_.push_back({&resource, &device, OwnNodes(device.paths)});
      }
    }
    for (const Candidate& candidate : candidates_) {
      for (const std::string_view path : candidate.own) by_node_[path].push_back(&candidate);
      if (NamesTheDevice(candidate.device->id)) by_id_[candidate.device->id].push_back(&candidate);
    }
  }

  std::set<DeviceConflict> Run() {
    for (const Candidate& candidate : candidates_) {
      if (candidate.resource->shared) continue;
      if (!candidate.own.empty()) CompareNodes(candidate);
      CompareIds(candidate);
    }
    return std::move(found_);
  }

 private:
  using Index = std::unordered_map<std::string_view, std::vector<const Candidate*>>;

  // By the node that the fewest devices have: what belongs to many is not looked through for each.
  void CompareNodes(const Candidate& candidate) {
    const std::vector<const Candidate*>* fewest = nullptr;
    for (const std::string_view path : candidate.own) {
      const std::vector<const Candidate*>& having = by_node_.at(path);
      if (fewest == nullptr || having.size() < fewest->size()) fewest = &having;
    }
    for (const Candidate* other : *fewest) {
      const bool by_id =
          NamesTheDevice(candidate.device->id) && candidate.device->id == other->device->id;
      if (!by_id && std::ranges::includes(other->own, candidate.own)) {
        Note(candidate.own[0], candidate, *other);
      }
    }
  }

  void CompareIds(const Candidate& candidate) {
    const auto having = by_id_.find(candidate.device->id);
    if (having == by_id_.end()) return;
    for (const Candidate* other : having->second) Note(candidate.device->id, candidate, *other);
  }

  void Note(std::string_view device, const Candidate& one, const Candidate& two) {
    // While a plugin is renamed two rows know the same resource.
    if (one.resource->resource == two.resource->resource) return;
    const AnnouncedResource* first = one.resource;
    const AnnouncedResource* second = two.resource;
    if (second->resource < first->resource) std::swap(first, second);
    DeviceConflict conflict{std::string(device), first->resource, first->plugin, second->resource,
                            second->plugin};
    if ((one.device->healthy && two.device->healthy) || known_.contains(conflict)) {
      found_.insert(std::move(conflict));
    }
  }

  const std::set<DeviceConflict>& known_;
  std::vector<Candidate> candidates_;
  Index by_node_;
  Index by_id_;
  std::set<DeviceConflict> found_;
};

std::string Sentence(const DeviceConflict& first, std::size_t devices) {
  const bool one = devices == 1;
  const std::string entries =
      first.plugin == first.other_plugin
          ? absl::StrCat("plugin ", first.plugin)
          : absl::StrCat("plugins ", first.plugin, " and ", first.other_plugin);
  return absl::StrCat(first.device, one ? " is" : absl::StrCat(" and ", devices - 1, " more are"),
                      " announced as ", first.resource, " and as ", first.other_resource, " (",
                      entries, "): the kubelet may give ", one ? "it" : "one",
                      " to two pods at the same time, each of which takes it for its own. Take it "
                      "out of one of the "
                      "two entries; if pods may share it, say so with sharing.replicas in both");
}

bool IsShared(const ResourceReport& report) {
  return report.healthy + report.unhealthy > report.devices.size();
}

// As long as its entry holds a resource back, nobody gets any of it.
bool IsGivenAway(const ResourceReport& report, const DeviceReport& device) {
  return device.healthy && report.phase != RegistrationPhase::kHeld;
}

bool IsSame(const AnnouncedResource& seen, const ResourceReport& report) {
  return seen.resource == report.resource && seen.shared == IsShared(report) &&
         std::ranges::equal(seen.devices, report.devices,
                            [&report](const AnnouncedDevice& known, const DeviceReport& now) {
                              return known.id == now.id &&
                                     known.healthy == IsGivenAway(report, now) &&
                                     known.paths == now.paths;
                            });
}

AnnouncedResource SeenOf(const std::string& plugin, const ResourceReport& report) {
  AnnouncedResource seen{
      .plugin = plugin, .resource = report.resource, .shared = IsShared(report), .devices = {}};
  for (const DeviceReport& device : report.devices) {
    seen.devices.push_back({device.id, IsGivenAway(report, device), device.paths});
  }
  return seen;
}

}  // namespace

std::set<DeviceConflict> FindDeviceConflicts(const std::vector<AnnouncedResource>& resources,
                                             const std::set<DeviceConflict>& known) {
  return Search(resources, known).Run();
}

std::vector<std::string> ToSentences(const std::set<DeviceConflict>& conflicts) {
  struct Pair {
    const DeviceConflict* first = nullptr;
    std::size_t devices = 0;
  };
  std::map<std::pair<std::string_view, std::string_view>, Pair> pairs;
  for (const DeviceConflict& conflict : conflicts) {
    Pair& pair = pairs[{conflict.resource, conflict.other_resource}];
    if (pair.devices++ == 0) pair.first = &conflict;
  }
  std::vector<std::string> sentences;
  for (const auto& [names, pair] : pairs) {
    if (sentences.size() == kMaxSentences) {
      sentences.push_back(absl::StrCat("and so are devices of ", pairs.size() - kMaxSentences,
                                       " more pairs of resources"));
      break;
    }
    sentences.push_back(Sentence(*pair.first, pair.devices));
  }
  return sentences;
}

void DeviceConflicts::Expect(const std::vector<PluginSpec>& entries) {
  std::map<std::string, Entry> expected;
  for (const PluginSpec& spec : entries) {
    Entry& entry = expected[spec.name];
    entry.text = spec.text;
    const auto known = entries_.find(spec.name);
    if (known != entries_.end() && known->second.text == spec.text) {
      entry.seen = std::move(known->second.seen);
    }
  }
  entries_ = std::move(expected);
  Judge();
}

const std::vector<std::string>& DeviceConflicts::Look(const std::vector<PluginStatus>& plugins) {
  bool changed = false;
  for (const PluginStatus& plugin : plugins) {
    const auto found = entries_.find(plugin.name);
    // A process that is to end may be one of an entry that has changed, and gives its devices back.
    if (found == entries_.end() || plugin.phase == PluginPhase::kStopping) continue;
    if (plugin.resources.empty()) continue;
    std::vector<AnnouncedResource>& seen = found->second.seen;
    if (std::ranges::equal(seen, plugin.resources, IsSame)) continue;
    seen.clear();
    for (const ResourceReport& report : plugin.resources) {
      seen.push_back(SeenOf(plugin.name, report));
    }
    changed = true;
  }
  if (changed) Judge();
  return sentences_;
}

void DeviceConflicts::Judge() {
  std::vector<AnnouncedResource> resources;
  for (const auto& [name, entry] : entries_) {
    resources.insert(resources.end(), entry.seen.begin(), entry.seen.end());
  }
  conflicts_ = FindDeviceConflicts(resources, conflicts_);
  sentences_ = ToSentences(conflicts_);
}

}  // namespace nodedevice
