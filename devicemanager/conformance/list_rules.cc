#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "devicemanager/conformance/rule_sets.h"
#include "devicemanager/conformance/words.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr std::size_t kLongestId = 63;
constexpr Duration kListWithin = std::chrono::seconds(20);
// One more is forgiven: a change may have been taken back before it was sent.
constexpr int kRepeatsForgiven = 1;

// Complains about each list, each distinct one of a stream once.
template <typename Check>
Judgement OfEachList(const Observation& seen, const std::string& praise, const Check& check) {
  Complaints complaints;
  std::size_t lists = 0;
  for (const Stream& stream : seen.streams) {
    for (const DeviceList& list : stream.lists) {
      ++lists;
      check(stream.resource, list, complaints);
    }
  }
  if (lists == 0) return NotApplicable("no list came");
  return complaints.OrElse(absl::StrCat(praise, " in ", Count(lists, "list")));
}

Judgement Arrives(const Observation& seen) {
  Complaints complaints;
  std::map<std::string, std::string> firsts;  // resource -> what its first list was
  for (const Stream& stream : seen.streams) {
    if (stream.stage != Stage::kStart) continue;
    if (!stream.first_list_after) {
      if (stream.watched < kListWithin) continue;  // it was not given the time
      complaints.Add(absl::StrCat(stream.resource, " sent no list in ", Took(stream.watched)));
      continue;
    }
    const std::size_t devices = stream.lists.empty() ? 0 : stream.lists.front().size();
    firsts.try_emplace(stream.resource,
                       absl::StrCat(stream.resource, ": ", Count(devices, "device"), " after ",
                                    Took(*stream.first_list_after)));
  }
  if (firsts.empty() && complaints.empty()) return NotApplicable("no stream was open long enough");
  std::vector<std::string> told;
  told.reserve(firsts.size());
  for (const auto& [resource, text] : firsts) told.push_back(text);
  return complaints.OrElse(absl::StrJoin(told, ", "));
}

Judgement UniqueIds(const Observation& seen) {
  return OfEachList(
      seen, "each id once",
      [](const std::string& resource, const DeviceList& list, Complaints& complaints) {
        std::set<std::string> ids;
        for (const ListedDevice& device : list) {
          if (ids.insert(device.id).second) continue;
          complaints.Add(absl::StrCat(resource, " lists ", Quoted(device.id), " more than once"));
        }
      });
}

Judgement IdLength(const Observation& seen) {
  std::size_t longest = 0;
  Judgement judgement = OfEachList(
      seen, "", [&](const std::string& resource, const DeviceList& list, Complaints& complaints) {
        for (const ListedDevice& device : list) {
          longest = std::max(longest, device.id.size());
          if (!device.id.empty() && device.id.size() <= kLongestId) continue;
          complaints.Add(absl::StrCat(resource, " lists an id of ", device.id.size(), " bytes, ",
                                      Quoted(device.id)));
        }
      });
  if (judgement.verdict != Verdict::kPass) return judgement;
  return Pass(absl::StrCat("at most ", longest, " bytes"));
}

Judgement HealthStrings(const Observation& seen) {
  return OfEachList(
      seen, "Healthy or Unhealthy",
      [](const std::string& resource, const DeviceList& list, Complaints& complaints) {
        for (const ListedDevice& device : list) {
          if (device.health == "Healthy" || device.health == "Unhealthy") continue;
          complaints.Add(
              absl::StrCat(resource, " lists ", Quoted(device.id), " as ", Quoted(device.health)));
        }
      });
}

Judgement NumaNodes(const Observation& seen) {
  bool any = false;
  Judgement judgement = OfEachList(
      seen, "", [&](const std::string& resource, const DeviceList& list, Complaints& complaints) {
        for (const ListedDevice& device : list) {
          std::set<std::int64_t> nodes;
          for (const std::int64_t node : device.numa_nodes) {
            any = true;
            if (node < 0) {
              complaints.Add(
                  absl::StrCat(resource, " puts ", Quoted(device.id), " on NUMA node ", node));
            } else if (!nodes.insert(node).second) {
              complaints.Add(absl::StrCat(resource, " names NUMA node ", node, " twice for ",
                                          Quoted(device.id)));
            }
          }
        }
      });
  if (judgement.verdict != Verdict::kPass) return judgement;
  return any ? Pass("node numbers from 0 up") : NotApplicable("no device has a topology");
}

Judgement IdsUniqueOnNode(const Observation& seen) {
  std::map<std::string, std::set<std::string>> owners;  // id -> resources
  std::set<std::string> resources;
  for (const Stream& stream : seen.streams) {
    for (const DeviceList& list : stream.lists) {
      resources.insert(stream.resource);
      for (const ListedDevice& device : list) owners[device.id].insert(stream.resource);
    }
  }
  if (resources.size() < 2) return NotApplicable("there are not two resources");
  Complaints complaints;
  for (const auto& [id, with] : owners) {
    if (with.size() > 1) {
      complaints.Add(absl::StrCat(Quoted(id), " is a device of ", absl::StrJoin(with, " and of ")));
    }
  }
  return complaints.OrElse(
      absl::StrCat(Count(owners.size(), "id"), " of ", Count(resources.size(), "resource")));
}

// As a kubelet sees it: the order tells nothing.
DeviceList Sorted(DeviceList list) {
  std::sort(list.begin(), list.end(), [](const ListedDevice& a, const ListedDevice& b) {
    return std::tie(a.id, a.health, a.numa_nodes) < std::tie(b.id, b.health, b.numa_nodes);
  });
  return list;
}

Judgement OnlyChanges(const Observation& seen) {
  Complaints complaints;
  std::size_t lists = 0;
  for (const Stream& stream : seen.streams) {
    lists += stream.lists.size();
    int repeats = 0;
    for (std::size_t i = 1; i < stream.lists.size(); ++i) {
      if (Sorted(stream.lists[i]) == Sorted(stream.lists[i - 1])) ++repeats;
    }
    if (repeats > kRepeatsForgiven) {
      complaints.Add(absl::StrCat(stream.resource, " sent an unchanged list ", repeats,
                                  " times in ", Took(stream.watched)));
    }
  }
  if (lists == 0) return NotApplicable("no list came");
  return complaints.OrElse(
      absl::StrCat(Count(lists, "list"), " on ", Count(seen.streams.size(), "stream")));
}

}  // namespace

std::vector<Rule> ListRules() {
  return {
      {"list/arrives", Severity::kMust,
       "A resource has no device before the first list has come on its ListAndWatch stream.",
       Arrives},
      {"list/unique-ids", Severity::kMust, "Of devices with one id in a list a kubelet keeps one.",
       UniqueIds},
      {"list/id-length", Severity::kShould,
       "The API gives an id 63 bytes at most; a kubelet does not check it, others who read ids "
       "may.",
       IdLength},
      {"list/health-strings", Severity::kMust,
       "A device is healthy only when its health is exactly Healthy.", HealthStrings},
      {"list/numa-nodes", Severity::kShould,
       "A kubelet drops NUMA nodes that the machine does not have; a device without one gives "
       "none, "
       "not -1.",
       NumaNodes},
      {"list/ids-unique-on-node", Severity::kShould,
       "When it reports the health of a pod's devices, a kubelet finds them by id alone, whatever "
       "their resource.",
       IdsUniqueOnNode},
      {"list/only-changes", Severity::kShould,
       "A kubelet writes its checkpoint to the disk for every list, changed or not.", OnlyChanges},
  };
}

}  // namespace nodedevice::devicemanager::conformance
