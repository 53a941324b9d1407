#include "lib/mco/machine_config_pool.h"

#include <algorithm>
#include <set>

#include "lib/kube/object_fields.h"
#include "lib/mco/label_selector.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr char kMaster[] = "master";
constexpr char kWorker[] = "worker";

}  // namespace

NodePool PoolOfNode(const Json& node, const Json& pools) {
  const Labels labels = LabelsOf(node);
  const auto system = labels.find("kubernetes.io/os");
  if (system != labels.end() && system->second == "windows") return {};
  bool is_master = false;
  bool is_worker = false;
  std::set<std::string> custom;
  for (const Json& pool : ListAt(pools, "")) {
    const std::string name = TextAt(pool, "/metadata/name");
    const LabelSelector selector(ValueAt(pool, "/spec/nodeSelector"));
    if (name.empty() || selector.is_empty() || !selector.Selects(labels)) continue;
    if (name == kMaster) {
      is_master = true;
    } else if (name == kWorker) {
      is_worker = true;
    } else {
      custom.insert(name);
    }
  }
  if (custom.size() > 1) return {.name = "", .rivals = {custom.begin(), custom.end()}};
  return {.name = is_master         ? kMaster
                  : !custom.empty() ? *custom.begin()
                  : is_worker       ? kWorker
                                    : "",
          .rivals = {}};
}

const Json& PoolNamed(const Json& pools, const std::string& name) {
  static const Json nothing;
  const Json& list = ListAt(pools, "");
  const auto found = std::ranges::find_if(
      list, [&](const Json& pool) { return TextAt(pool, "/metadata/name") == name; });
  return found == list.end() ? nothing : *found;
}

std::vector<std::string> DegradationOf(const Json& pool) {
  std::vector<std::string> texts;
  bool degraded = false;
  for (const Json& condition : ListAt(pool, "/status/conditions")) {
    // "Degraded" sums up the others, such as NodeDegraded, and often says nothing itself.
    if (!TextAt(condition, "/type").ends_with("Degraded")) continue;
    if (TextAt(condition, "/status") != "True") continue;
    degraded = true;
    std::string text = TextAt(condition, "/message");
    if (text.empty()) text = TextAt(condition, "/reason");
    if (!text.empty() && std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
  }
  if (degraded && texts.empty()) texts.push_back("it does not say why");
  return texts;
}

bool IsPaused(const Json& pool) { return ValueAt(pool, "/spec/paused") == true; }

}  // namespace nodedevice
