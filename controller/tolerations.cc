#include "controller/tolerations.h"

#include <algorithm>

#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

bool Tolerates(const Json& toleration, const Taint& taint) {
  const std::string effect = TextAt(toleration, "/effect");
  if (!effect.empty() && effect != taint.effect) return false;
  const std::string key = TextAt(toleration, "/key");
  const bool exists = TextAt(toleration, "/operator") == "Exists";
  if (key.empty()) return exists;
  return key == taint.key && (exists || TextAt(toleration, "/value") == taint.value);
}

}  // namespace

Json AgentTolerations(const Json& tolerations) {
  Json all = tolerations;
  all.push_back({{"key", kStartupTaint}, {"operator", "Exists"}});
  return all;
}

const Taint* UntoleratedTaint(const ObservedNode& node, const Json& tolerations) {
  const auto keeps_off = [&](const Taint& taint) {
    return taint.effect != "PreferNoSchedule" && !taint.key.starts_with("node.kubernetes.io/") &&
           std::ranges::none_of(
               tolerations, [&](const Json& toleration) { return Tolerates(toleration, taint); });
  };
  const auto found = std::ranges::find_if(node.taints, keeps_off);
  return found == node.taints.end() ? nullptr : &*found;
}

}  // namespace nodedevice
