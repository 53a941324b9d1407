#include "agent/missing_manager.h"

#include <algorithm>
#include <array>

#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/label_selector.h"
#include "lib/mco/machine_config_pool.h"
#include "tests/fuzz/fuzz_target.h"

using nlohmann::json;
using nodedevice::NodePool;
using nodedevice::fuzz::Require;

namespace {

// The documents of the text, each up to a form feed; null for what is no JSON.
template <std::size_t kCount>
std::array<json, kCount> Documents(std::string_view text) {
  std::array<json, kCount> documents;
  for (json& document : documents) {
    const std::string_view part = text.substr(0, text.find('\f'));
    document = json::parse(part, nullptr, /*allow_exceptions=*/false);
    if (document.is_discarded()) document = nullptr;
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return documents;
}

void RequireOnePool(const json& node, const json& pools) {
  const NodePool pool = nodedevice::PoolOfNode(node, pools);
  Require(pool.name.empty() || pool.rivals.empty(), "a node belongs to one pool or to none");
  Require(pool.rivals.size() != 1, "a pool alone has no rival");
  Require(pool.name.empty() || nodedevice::Named(pools, pool.name).is_object(),
          "a pool is one of the list");
}

void RequireConsistent(const nodedevice::LabelSelector& selector) {
  Require(!selector.is_empty() || selector.Selects({}), "an empty selector selects everything");
}

void RequireReadable(const std::vector<std::string>& findings) {
  Require(!findings.empty(), "there is always something to say");
  Require(findings.size() <= nodedevice::kMaxFindings, "not too much");
  std::size_t size = 0;
  for (const std::string& finding : findings) {
    Require(!finding.empty(), "a finding has words");
    Require(finding == nodedevice::OneLine(finding, finding.size()), "a finding is one line");
    size += finding.size();
  }
  Require(size <= nodedevice::kMaxExplanation, "nor too long");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto [node, pools, configs, gate] = Documents<4>(nodedevice::fuzz::TextOf(data, size));
  RequireOnePool(node, pools);
  RequireConsistent(nodedevice::LabelSelector(node));
  RequireReadable(nodedevice::ExplainMissingManager({.node_name = "w7",
                                                     .has_node = true,
                                                     .node = node,
                                                     .pools = pools,
                                                     .kubelet_configs = configs,
                                                     .feature_gate = gate}));
  return 0;
}
