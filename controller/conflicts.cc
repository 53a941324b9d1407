#include "controller/conflicts.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

struct Shared {
  std::size_t first = 0;  // a node
  std::size_t count = 0;
};

Shared SharedNodes(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
  std::vector<std::size_t> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return both.empty() ? Shared() : Shared{both.front(), both.size()};
}

std::optional<Refusal> ConflictOf(const Claim& newer, const Claim& older,
                                  const std::vector<ObservedNode>& nodes) {
  const auto resource = std::ranges::find_first_of(newer.resources, older.resources);
  if (resource == newer.resources.end()) return std::nullopt;
  const Shared shared = SharedNodes(newer.nodes, older.nodes);
  if (shared.count == 0) return std::nullopt;
  std::string where = absl::StrCat("node ", nodes[shared.first].name);
  if (shared.count > 1) absl::StrAppend(&where, " and ", shared.count - 1, " more");
  return Refusal{
      "ResourceConflict",
      absl::StrCat("DevicePluginConfig ", older.config, ", which is older, announces ", *resource,
                   " on ", where, ", and only one may. DevicePluginConfig ", newer.config,
                   " runs nowhere until one of the two stops naming that resource or those nodes")};
}

}  // namespace

std::map<std::string, Refusal> FindConflicts(std::vector<Claim> claims,
                                             const std::vector<ObservedNode>& nodes) {
  std::ranges::sort(claims, [](const Claim& a, const Claim& b) {
    return std::tie(a.created, a.config) < std::tie(b.created, b.config);
  });
  std::map<std::string, Refusal> refused;
  for (auto newer = claims.begin(); newer != claims.end(); ++newer) {
    if (!newer->can_be_refused) continue;
    for (auto older = claims.begin(); older != newer; ++older) {
      if (refused.contains(older->config)) continue;
      std::optional<Refusal> refusal = ConflictOf(*newer, *older, nodes);
      if (!refusal) continue;
      refused.emplace(newer->config, *std::move(refusal));
      break;
    }
  }
  return refused;
}

}  // namespace nodedevice
