#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/soak/node.h"

namespace nodedevice::soak {

// A process of node-device-plugin that works for the soak's node.
struct SeenProcess {
  pid_t pid = 0;
  pid_t parent = 0;
  std::string entry = {};  // empty: the observer
  int revision = 0;        // of the entry that it was started with
};

// What was seen of the node at one moment.
struct Seen {
  std::map<std::string, double> series = {};  // of the agent's /metrics; empty: no answer
  int ready_status = 0;                       // of its /readyz
  std::string ready_body = {};
  pid_t agent = 0;
  std::vector<SeenProcess> processes = {};
};

// The pods of the kubelet's status document, by uid.
Pods PodsOf(const nlohmann::json& kubelet);

// What of these is not as `node` says, a sentence each; empty: all of it is.
//
// What each pod holds, and that nobody else holds it: at every moment.
std::vector<std::string> PodsDiffer(const Node& node, const nlohmann::json& kubelet);
// The numbers of every resource at the kubelet: soon after each step.
std::vector<std::string> KubeletDiffers(const Node& node, const nlohmann::json& kubelet);
// The agent's metrics, readiness, and its processes, of which none is anybody else's child: soon
// after each step.
std::vector<std::string> AgentDiffers(const Node& node, const Seen& seen);

// How many single facts these look at on such a node, for the report.
int FactsOf(const Node& node);

// "name{a="b"} 3" in every line that is no comment.
std::map<std::string, double> ParseSeries(std::string_view text);

}  // namespace nodedevice::soak
