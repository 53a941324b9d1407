#include "plugin/discovery/mdev_plan.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lib/base/fnv1a.h"
#include "plugin/discovery/glob.h"

namespace nodedevice {
namespace {

constexpr char kOurs[] = "6d646576";  // "mdev"
constexpr std::size_t kIndexDigits = 6;
constexpr std::size_t kMaxReasons = 4;

int LimitOf(const MdevCreation& rule) { return rule.count.value_or(kMaxMadeMdevs); }

bool MayCut(const MdevCreation& rule, std::string_view parent) {
  return rule.parents.empty() ||
         std::ranges::any_of(rule.parents, [parent](const std::string& pattern) {
           return MatchPart(pattern, parent, nullptr);
         });
}

bool Means(const MdevCreation& rule, const MediatedDevice& device) {
  return IsMdevType(rule.type, device.type_id, device.type_name) && MayCut(rule, device.parent);
}

class Planner {
 public:
  Planner(const MdevParents& parents, std::string_view resource,
          const std::vector<MdevCreation>& rules)
      : parents_(parents), resource_(resource) {
    for (const MdevCreation& rule : rules) shares_.push_back({.rule = rule});
  }

  MdevPlan Plan(const std::vector<MediatedDevice>& devices) {
    Sort(devices);
    for (Share& share : shares_) Explain(share);
    for (Share& share : shares_) FillOwn(share);
    while (TakeInTurn()) {
    }
    if (plan_.make.empty()) {
      for (Share& share : shares_) TakeLeftovers(share);
    }
    return std::move(plan_);
  }

 private:
  // What one rule has, or is to have.
  struct Share {
    const MdevCreation& rule;
    int have = 0;
    std::set<std::string, NaturalLess> parents = {};
    int lacks() const { return LimitOf(rule) - have; }
  };
  using Place = std::pair<std::string, std::string>;  // parent and id of the type

  void Sort(const std::vector<MediatedDevice>& devices) {
    std::vector<std::pair<int, const MediatedDevice*>> ours;
    for (const MediatedDevice& device : devices) {
      if (const auto index = IndexOfOwn(device, resource_)) ours.emplace_back(*index, &device);
    }
    std::ranges::sort(ours, [](const auto& a, const auto& b) {
      const NaturalLess less;
      if (a.second->parent != b.second->parent) return less(a.second->parent, b.second->parent);
      return std::tie(a.first, a.second->type_id) < std::tie(b.first, b.second->type_id);
    });
    for (const auto& [index, device] : ours) {
      used_[{device->parent, device->type_id}].insert(index);
      Keep(*device);
    }
  }

  void Keep(const MediatedDevice& device) {
    const Share* full = nullptr;
    for (Share& share : shares_) {
      if (!Means(share.rule, device)) continue;
      full = &share;
      if (share.lacks() <= 0) continue;
      Claim(share, device.parent);
      ++share.have;
      return;
    }
    plan_.unwanted[device.uuid] =
        full == nullptr ? absl::StrCat("the entry asks for none of type ", device.type_id, " on ",
                                       device.parent, " any more")
                        : absl::StrCat("the entry asks for ", LimitOf(full->rule), " of type ",
                                       full->rule.type, " only");
  }

  void Claim(Share& share, const std::string& parent) {
    share.parents.insert(parent);
    claimed_.insert(parent);
  }

  // The type that a rule means on a parent and that can be made there; nullptr: there is none.
  const MdevTypes::value_type* TypeOn(const Share& share, const MdevParents::value_type& parent) {
    if (!MayCut(share.rule, parent.first)) return nullptr;
    for (const MdevTypes::value_type& type : parent.second) {
      if (type.second.available > 0 && IsMdevType(share.rule.type, type.first, type.second.name)) {
        return &type;
      }
    }
    return nullptr;
  }

  void Take(Share& share, const std::string& parent, const MdevTypes::value_type& type) {
    Claim(share, parent);
    const int many = std::min(share.lacks(), type.second.available);
    std::set<int>& used = used_[{parent, type.first}];
    for (int made = 0, index = 0; made < many; ++index) {
      if (!used.insert(index).second) continue;
      plan_.make.push_back({MdevUuid(resource_, parent, type.first, index), parent, type.first});
      ++made;
      ++share.have;
    }
  }

  void FillOwn(Share& share) {
    const auto own = share.parents;  // Take() adds to them
    for (const std::string& name : own) {
      const auto parent = parents_.find(name);
      if (share.lacks() <= 0 || parent == parents_.end()) continue;
      if (const auto* type = TypeOn(share, *parent)) Take(share, name, *type);
    }
  }

  // Gives a parent that nobody has to the rule that has the fewest; false: there is none to give.
  bool TakeInTurn() {
    Share* next = nullptr;
    const MdevParents::value_type* where = nullptr;
    for (Share& share : shares_) {
      if (share.lacks() <= 0) continue;
      if (next != nullptr && next->parents.size() <= share.parents.size()) continue;
      const auto parent = std::ranges::find_if(parents_, [&](const auto& candidate) {
        return !claimed_.contains(candidate.first) && TypeOn(share, candidate) != nullptr;
      });
      if (parent == parents_.end()) continue;
      next = &share;
      where = &*parent;
    }
    if (next == nullptr) return false;
    Take(*next, where->first, *TypeOn(*next, *where));
    return true;
  }

  void TakeLeftovers(Share& share) {
    for (const auto& parent : parents_) {
      if (share.lacks() <= 0) return;
      if (const auto* type = TypeOn(share, parent)) Take(share, parent.first, *type);
    }
  }

  // Without a count whatever there is will do, unless it is nothing.
  void Explain(const Share& share) {
    if (share.lacks() <= 0 || (!share.rule.count && share.have > 0)) return;
    bool may_cut = false;
    std::vector<std::string> reasons;
    for (const auto& [parent, types] : parents_) {
      if (!MayCut(share.rule, parent)) continue;
      may_cut = true;
      for (const auto& [id, type] : types) {
        if (!IsMdevType(share.rule.type, id, type.name)) continue;
        if (type.available > 0) return;  // it is about to be made
        reasons.push_back(absl::StrCat(
            parent, ": ", type.problem.empty() ? "its driver has room for none" : type.problem));
      }
    }
    std::string why;
    if (parents_.empty()) {
      why = absl::StrCat("nothing on this node can be cut: ", kMdevParents,
                         " is empty; is the driver loaded?");
    } else if (!may_cut) {
      why = absl::StrCat("none of 'parents' is in ", kMdevParents);
    } else if (reasons.empty()) {
      why = "no parent has this type";
    } else {
      why = FirstReasons(reasons);
    }
    const std::string asked =
        share.rule.count ? absl::StrCat(" of ", *share.rule.count) : std::string();
    plan_.notes.push_back(
        absl::StrCat("create: ", share.have, asked, " of type ", share.rule.type, ": ", why));
  }

  const MdevParents& parents_;
  const std::string_view resource_;
  std::vector<Share> shares_;
  std::set<std::string, NaturalLess> claimed_;
  std::map<Place, std::set<int>> used_;
  MdevPlan plan_;
};

}  // namespace

std::string MdevUuid(std::string_view resource, std::string_view parent, std::string_view type_id,
                     int index) {
  // No name of any of them holds a line's end.
  const std::uint64_t hash = Fnv1a(
      absl::StrCat(std::string(resource), "\n", std::string(parent), "\n", std::string(type_id)));
  return absl::StrFormat("%s-%04x-8%03x-8%03x-%06x%06x", kOurs, hash >> 48, (hash >> 36) & 0xfff,
                         (hash >> 24) & 0xfff, hash & 0xffffff,
                         static_cast<unsigned>(index) & 0xffffff);
}

std::optional<int> IndexOfOwn(const MediatedDevice& device, std::string_view resource) {
  if (!device.uuid.starts_with(kOurs) || device.uuid.size() < kIndexDigits) return std::nullopt;
  int index = 0;
  const char* const end = device.uuid.data() + device.uuid.size();
  const auto [stop, error] = std::from_chars(end - kIndexDigits, end, index, 16);
  if (error != std::errc() || stop != end || index < 0) return std::nullopt;
  if (MdevUuid(resource, device.parent, device.type_id, index) != device.uuid) return std::nullopt;
  return index;
}

std::string FirstReasons(const std::vector<std::string>& reasons) {
  const std::size_t shown = std::min(reasons.size(), kMaxReasons);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) absl::StrAppend(&text, i == 0 ? "" : "; ", reasons[i]);
  if (shown < reasons.size()) absl::StrAppend(&text, "; and ", reasons.size() - shown, " more");
  return text;
}

MdevPlan PlanMdevs(const MdevParents& parents, const std::vector<MediatedDevice>& devices,
                   std::string_view resource, const std::vector<MdevCreation>& rules) {
  return Planner(parents, resource, rules).Plan(devices);
}

}  // namespace nodedevice
