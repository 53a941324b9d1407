#include "plugin/preference.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace nodedevice {
namespace {

constexpr int kNoNode = -1;
constexpr std::uint32_t kNoRoot = 0;

int NumaNodeOf(const Announcement& offered, std::string_view wire_id) {
  const Device* device = offered.Find(wire_id);
  return device == nullptr || device->numa_nodes.empty() ? kNoNode : device->numa_nodes.front();
}

std::string_view DeviceOf(const Announcement& offered, std::string_view wire_id) {
  return offered.replicas > 1 ? BaseId(wire_id) : wire_id;
}

std::uint32_t PciRootOf(const Announcement& offered, std::string_view wire_id) {
  const Device* device = offered.Find(wire_id);
  return device == nullptr ? kNoRoot : device->pci_root;
}

using FreeIds = std::set<std::string, NaturalLess>;
using FreeByRoot = std::map<std::uint32_t, FreeIds>;

std::size_t Count(const FreeIds& ids) { return ids.size(); }
std::size_t Count(const FreeByRoot& roots) {
  std::size_t count = 0;
  for (const auto& [root, ids] : roots) count += ids.size();
  return count;
}

// Places, NUMA nodes or roots of PCI, in the order in which they are to be used up.
template <typename Place, typename Free>
std::vector<Place> PlaceOrder(const std::map<Place, Free>& free_at, const std::set<Place>& started,
                              std::size_t missing, Preference preference, Place unknown) {
  using Key = std::tuple<bool, bool, bool, std::int64_t, Place>;
  std::vector<Key> keys;
  keys.reserve(free_at.size());
  for (const auto& [place, ids] : free_at) {
    const auto free = static_cast<std::int64_t>(Count(ids));
    const bool suffices = static_cast<std::size_t>(free) >= missing;
    // Packed: the tightest place that suffices; if none does, the fullest, so that few are used.
    const std::int64_t tightness = preference == Preference::kPacked && suffices ? free : -free;
    keys.emplace_back(!started.contains(place), !suffices, place == unknown, tightness, place);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<Place> order;
  order.reserve(keys.size());
  for (const Key& key : keys) order.push_back(std::get<4>(key));
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

// Of each of these devices it is known how well it works with others.
bool CanBeCompared(const Announcement& offered, const FreeIds& ids) {
  return offered.affinity != nullptr && offered.replicas == 1 &&
         std::ranges::all_of(ids,
                             [&](const std::string& id) { return offered.affinity->Knows(id); });
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
  std::set<int> nodes;
  std::set<std::uint32_t> roots;
  for (const std::string& id : chosen) {
    pool.erase(id);
    nodes.insert(NumaNodeOf(offered, id));
    roots.insert(PciRootOf(offered, id));
  }
  nodes.erase(kNoNode);
  roots.erase(kNoRoot);
  std::size_t missing = static_cast<std::size_t>(size) - chosen.size();
  if (pool.size() < missing) {
    return absl::InvalidArgumentError(
        absl::StrCat("an allocation of ", size, " from ", pool.size() + chosen.size(), " devices"));
  }
  if (CanBeCompared(offered, pool)) {
    return BestTogether(*offered.affinity, {chosen.begin(), chosen.end()},
                        {pool.begin(), pool.end()}, static_cast<std::size_t>(size));
  }
  std::map<int, FreeByRoot> by_node;
  for (const std::string& id : pool) {
    by_node[NumaNodeOf(offered, id)][PciRootOf(offered, id)].insert(id);
  }
  for (const int node : PlaceOrder(by_node, nodes, missing, preference, kNoNode)) {
    FreeByRoot& by_root = by_node[node];
    const std::size_t here = std::min(missing, Count(by_root));
    for (const std::uint32_t root : PlaceOrder(by_root, roots, here, preference, kNoRoot)) {
      FreeIds& ids = by_root[root];
      while (missing > 0 && !ids.empty()) {
        chosen.insert(ids.extract(Next(offered, preference, ids)));
        --missing;
      }
    }
  }
  return std::vector<std::string>(chosen.begin(), chosen.end());
}

}  // namespace nodedevice
