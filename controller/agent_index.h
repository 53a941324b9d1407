#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "controller/observed.h"

namespace nodedevice {

// States and pods of all configurations, found by configuration and node. What was observed must
// outlive it.
class AgentIndex {
 public:
  struct Agent {
    const ObservedState* state = nullptr;
    std::vector<const ObservedPod*> pods;
  };
  using ByNode = std::unordered_map<std::string, Agent>;

  explicit AgentIndex(const Observed& observed);

  // By name of the node.
  const ByNode& Of(const std::string& config) const;

 private:
  std::unordered_map<std::string, ByNode> agents_;
};

}  // namespace nodedevice
