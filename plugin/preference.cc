#include "plugin/preference.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace nodedevice {
namespace {

constexpr int kNoNode = -1;

int NumaNodeOf(const Announcement& offered, std::string_view wire_id) {
  const Device* device = offered.Find(wire_id);
  return device == nullptr || device->numa_nodes.empty() ? kNoNode : device->numa_nodes.front();
}

std::string_view DeviceOf(const Announcement& offered, std::string_view wire_id) {
  return offered.replicas > 1 ? BaseId(wire_id) : wire_id;
}

using FreeIds = std::set<std::string, NaturalLess>;

// NUMA nodes in the order in which they are to be used up.
std::vector<int> NodeOrder(const std::map<int, int>& free_per_node, const std::set<int>& started,
                           int missing, Preference preference) {
  std::vector<int> order;
  order.reserve(free_per_node.size());
  for (const auto& [node, free] : free_per_node) order.push_back(node);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    const auto key = [&](int node) {
      const int free = free_per_node.at(node);
      const bool suffices = free >= missing;
      // Packed: the tightest node that suffices; if none does, the fullest, so that few are used.
      const int tightness = preference == Preference::kPacked && suffices ? free : -free;
      return std::tuple(!started.contains(node), !suffices, node == kNoNode, tightness, node);
    };
    return key(a) < key(b);
  });
  return order;
}

// The id to take next among `ids`.
FreeIds::const_iterator Next(const Announcement& offered, Preference preference,
                             const FreeIds& ids) {
  if (offered.replicas == 1) return ids.begin();
  std::map<std::string_view, int, NaturalLess> free;
  for (const std::string& id : ids) ++free[DeviceOf(offered, id)];
  const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto best = preference == Preference::kPacked
                        ? std::min_element(free.begin(), free.end(), fewer)
                        : std::max_element(free.begin(), free.end(), fewer);
  return std::find_if(ids.begin(), ids.end(),
                      [&](const std::string& id) { return DeviceOf(offered, id) == best->first; });
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Prefer(const Announcement& offered, Preference preference,
                                                const std::vector<std::string>& available,
                                                const std::vector<std::string>& must_include,
                                                int size) {
  FreeIds chosen(must_include.begin(), must_include.end());
  FreeIds pool(available.begin(), available.end());
  if (size < 0 || chosen.size() > static_cast<std::size_t>(size)) {
    return absl::InvalidArgumentError(
        absl::StrCat(chosen.size(), " devices must be included in an allocation of ", size));
  }
  std::set<int> started;
  for (const std::string& id : chosen) {
    pool.erase(id);
    started.insert(NumaNodeOf(offered, id));
  }
  started.erase(kNoNode);
  int missing = size - static_cast<int>(chosen.size());
  if (pool.size() < static_cast<std::size_t>(missing)) {
    return absl::InvalidArgumentError(
        absl::StrCat("an allocation of ", size, " from ", pool.size() + chosen.size(), " devices"));
  }
  std::map<int, FreeIds> by_node;
  std::map<int, int> free_per_node;
  for (const std::string& id : pool) {
    const int node = NumaNodeOf(offered, id);
    by_node[node].insert(id);
    ++free_per_node[node];
  }
  for (const int node : NodeOrder(free_per_node, started, missing, preference)) {
    FreeIds& ids = by_node[node];
    while (missing > 0 && !ids.empty()) {
      chosen.insert(ids.extract(Next(offered, preference, ids)));
      --missing;
    }
  }
  return std::vector<std::string>(chosen.begin(), chosen.end());
}

}  // namespace nodedevice
