#include "plugin/discovery/path_groups.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugin/natural_order.h"

namespace nodedevice {
namespace {

// Cannot occur inside a file name.
constexpr char kKeySeparator[] = "/";

std::string KeyOf(const GlobMatch& match) { return absl::StrJoin(match.captures, kKeySeparator); }

using ByKey = std::map<std::string, std::string, NaturalLess>;  // key -> host path

ByKey Index(const std::vector<GlobMatch>& matches) {
  ByKey index;
  for (const GlobMatch& match : matches) index.emplace(KeyOf(match), match.host_path);
  return index;
}

}  // namespace

GroupResult CombineGroup(const std::vector<PathRule>& rules,
                         const std::vector<std::vector<GlobMatch>>& matches) {
  GroupResult result;
  std::vector<ByKey> index;
  std::vector<bool> wild;  // of the rule; asked for every member
  std::size_t limit = SIZE_MAX;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    index.push_back(Index(matches[i]));
    wild.push_back(HasWildcard(rules[i].pattern));
    if (rules[i].optional) continue;
    if (!wild[i]) limit = std::min(limit, static_cast<std::size_t>(rules[i].limit));
    if (matches[i].empty()) {
      result.notes.push_back(wild[i] ? absl::StrCat("nothing matches ", rules[i].pattern)
                                     : absl::StrCat(rules[i].pattern, " does not exist"));
    }
  }
  if (!result.notes.empty()) return result;
  // The first required wildcard rule says which members there are; the others are looked up.
  const ByKey* keys = nullptr;
  for (std::size_t i = 0; i < rules.size() && keys == nullptr; ++i) {
    if (!rules[i].optional && wild[i]) keys = &index[i];
  }
  static const ByKey kOne = {{"", ""}};
  std::vector<int> used(rules.size(), 0);
  std::size_t cut = 0;
  for (const auto& [key, leading_path] : keys == nullptr ? kOne : *keys) {
    GroupMember member{.key = key, .parts = {}};
    std::string lacking;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (&index[i] == keys) {
        member.parts.push_back({i, leading_path});
      } else if (wild[i] && keys != nullptr) {
        const auto found = index[i].find(key);
        if (found != index[i].end()) {
          member.parts.push_back({i, found->second});
        } else if (!rules[i].optional) {
          lacking = rules[i].pattern;
        }
      } else {
        // Without a required wildcard there is one member, and it takes all that an optional one
        // matches.
        for (const auto& [ignored, path] : index[i]) member.parts.push_back({i, path});
      }
    }
    if (!lacking.empty()) {
      result.notes.push_back(absl::StrCat("'", key, "' has no counterpart among ", lacking));
      continue;
    }
    if (result.members.size() >= limit) {
      ++cut;
      continue;
    }
    // An optional path without wildcards goes to as many members as its limit says.
    std::erase_if(member.parts, [&](const GroupMember::Part& part) {
      const PathRule& rule = rules[part.rule];
      if (!rule.optional || wild[part.rule]) return false;
      return used[part.rule]++ >= rule.limit;
    });
    result.members.push_back(std::move(member));
  }
  if (cut > 0) {
    result.notes.push_back(
        absl::StrCat(cut, " more would match, but a path without wildcards has limit ", limit));
  }
  return result;
}

}  // namespace nodedevice
