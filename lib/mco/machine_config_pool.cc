#include "lib/mco/machine_config_pool.h"

#include <algorithm>
#include <utility>

#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr char kMaster[] = "master";
constexpr char kWorker[] = "worker";

}  // namespace

NodePools::NodePools(const Json& pools) {
  for (const Json& object : ListAt(pools, "")) {
    Pool pool{.name = TextAt(object, "/metadata/name"),
              .nodes = LabelSelector(ValueAt(object, "/spec/nodeSelector"))};
    if (pool.name.empty() || pool.nodes.is_empty() || !pool.nodes.requirements()) continue;
    std::vector<Pool>& kind = pool.name == kMaster   ? master_
                              : pool.name == kWorker ? worker_
                                                     : custom_;
    kind.push_back(std::move(pool));
  }
  std::ranges::sort(custom_, {}, &Pool::name);
}

NodePool NodePools::Of(const Labels& node) const {
  const auto system = node.find("kubernetes.io/os");
  if (system != node.end() && system->second == "windows") return {};
  NodePool answer;
  for (const Pool& pool : custom_) {
    if (pool.nodes.Selects(node)) answer.rivals.push_back(pool.name);
  }
  if (answer.rivals.size() > 1) return answer;
  if (master() && master()->nodes.Selects(node)) {
    answer.name = kMaster;
  } else if (!answer.rivals.empty()) {
    answer.name = answer.rivals.front();
  } else if (worker() && worker()->nodes.Selects(node)) {
    answer.name = kWorker;
  }
  answer.rivals.clear();
  return answer;
}

NodePool PoolOfNode(const Json& node, const Json& pools) {
  return NodePools(pools).Of(LabelsOf(node));
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
