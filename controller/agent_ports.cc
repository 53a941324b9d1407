#include "controller/agent_ports.h"

#include <set>

#include "absl/strings/numbers.h"
#include "controller/observed.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

constexpr std::uint16_t kFirstPort = 9807;

// 0: it has none.
std::uint16_t PortOf(const nlohmann::json& daemon_set) {
  int port = 0;
  if (!absl::SimpleAtoi(TextAt(daemon_set, "/metadata/annotations/nodedevices.io~1port"), &port) ||
      port < kFirstPort || port > 65535) {
    return 0;
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

std::map<std::string, std::uint16_t> AgentPorts(const std::vector<std::string>& configs,
                                                const std::vector<nlohmann::json>& daemon_sets) {
  std::map<std::string, std::uint16_t> kept;
  std::set<std::uint16_t> taken;
  // Also those of DaemonSets that are on their way out: their agents may still listen.
  for (const nlohmann::json& daemon_set : daemon_sets) {
    const std::uint16_t port = PortOf(daemon_set);
    if (port == 0 || !taken.insert(port).second) continue;
    kept[ConfigOf(daemon_set)] = port;
  }
  std::map<std::string, std::uint16_t> ports;
  std::uint16_t next = kFirstPort;
  for (const std::string& config : configs) {
    if (const auto has = kept.find(config); has != kept.end()) {
      ports[config] = has->second;
      continue;
    }
    while (taken.contains(next)) ++next;
    ports[config] = next;
    taken.insert(next);
  }
  return ports;
}

}  // namespace nodedevice
