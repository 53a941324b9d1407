#include "controller/agent_index.h"

namespace nodedevice {

AgentIndex::AgentIndex(const Observed& observed) {
  for (const ObservedState& state : observed.states) {
    agents_[state.config][state.node].state = &state;
  }
  for (const ObservedPod& pod : observed.pods) {
    if (!pod.node.empty()) agents_[pod.config][pod.node].pods.push_back(&pod);
  }
}

const AgentIndex::ByNode& AgentIndex::Of(const std::string& config) const {
  static const ByNode nobody;
  const auto found = agents_.find(config);
  return found == agents_.end() ? nobody : found->second;
}

}  // namespace nodedevice
