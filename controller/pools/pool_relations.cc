#include "controller/pools/pool_relations.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/pools/pool_objects.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/label_selector.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// What is written for `role` has this label.
bool Gets(const Json& pool, const std::string& role) {
  return LabelSelector(ValueAt(pool, "/spec/machineConfigSelector")).Selects({{kRoleLabel, role}});
}

// How many at a time.
std::string PaceOf(const Json& pool) {
  const Json& most = ValueAt(pool, "/spec/maxUnavailable");
  if (most.is_null() || most == 1) return "one by one (maxUnavailable=1)";
  const std::string text = most.is_string() ? most.get<std::string>() : most.dump();
  return absl::StrCat(text, " at a time (maxUnavailable=", text, ")");
}

}  // namespace

std::vector<const Json*> Followers(const Json& pools, const Json& pool) {
  std::vector<const Json*> followers;
  for (const Json& other : ListAt(pools, "")) {
    if (NameOf(other) != NameOf(pool) && Gets(other, NameOf(pool))) followers.push_back(&other);
  }
  return followers;
}

std::vector<const Json*> Leaders(const Json& pools, const Json& pool) {
  std::vector<const Json*> leaders;
  for (const Json& other : ListAt(pools, "")) {
    if (NameOf(other) != NameOf(pool) && Gets(pool, NameOf(other))) leaders.push_back(&other);
  }
  return leaders;
}

std::string ImpactOf(const Json& pools, const Json& pool, const NodeSelection& selection) {
  std::size_t nodes = selection.CountIn(NameOf(pool));
  std::size_t of_followers = 0;
  std::vector<std::string> followers;
  for (const Json* follower : Followers(pools, pool)) {
    const std::size_t count = selection.CountIn(NameOf(*follower));
    if (count == 0) continue;
    of_followers += count;
    followers.push_back(NameOf(*follower));
  }
  nodes += of_followers;
  std::string text = absl::StrCat("may drain and reboot ", nodes,
                                  nodes == 1 ? " node, " : " nodes, ", PaceOf(pool));
  if (of_followers > 0) {
    absl::StrAppend(&text, ", ", of_followers, " of them of ", absl::StrJoin(followers, " and "),
                    followers.size() == 1 ? ", which inherits from " : ", which inherit from ",
                    NameOf(pool));
  }
  return text;
}

}  // namespace nodedevice
