#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "devicemanager/conformance/rule_sets.h"
#include "devicemanager/conformance/words.h"
#include "lib/kubelet/resource_name.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr char kType[] = "DevicePlugin";
constexpr char kVersion[] = "v1beta1";

Judgement NotFound() { return NotApplicable("no plugin answers on a socket in plugins_registry"); }

// The newest attempt at each socket in a stage. A kubelet tries again and again: what the last one
// met is what stays.
std::vector<const Discovery*> Newest(const Observation& seen, Stage stage) {
  std::map<std::string, const Discovery*> by_socket;
  for (const Discovery& discovery : seen.discoveries) {
    if (discovery.stage == stage) by_socket[discovery.socket] = &discovery;
  }
  std::vector<const Discovery*> newest;
  newest.reserve(by_socket.size());
  for (const auto& [socket, discovery] : by_socket) newest.push_back(discovery);
  return newest;
}

// Those that said at the start who they are.
std::vector<const Discovery*> Known(const Observation& seen) {
  std::vector<const Discovery*> known = Newest(seen, Stage::kStart);
  std::erase_if(known, [](const Discovery* discovery) { return !discovery->asked.ok(); });
  return known;
}

Judgement NotKnown(const Observation& seen) {
  return seen.discoveries.empty() ? NotFound() : NotApplicable("no plugin got so far");
}

std::string Where(const Discovery& discovery) {
  return absl::StrCat("plugins_registry/", discovery.socket);
}

Judgement Info(const Observation& seen) {
  const std::vector<const Discovery*> found = Newest(seen, Stage::kStart);
  if (found.empty()) return NotFound();
  Complaints complaints;
  std::vector<std::string> sockets;
  for (const Discovery* discovery : found) {
    sockets.push_back(discovery->socket);
    if (discovery->asked.ok()) continue;
    complaints.Add(absl::StrCat(Where(*discovery), ": GetInfo: ", discovery->asked.error));
  }
  return complaints.OrElse(Ids(sockets));
}

Judgement Type(const Observation& seen) {
  const std::vector<const Discovery*> known = Known(seen);
  if (known.empty()) return NotKnown(seen);
  std::set<std::string> types;
  for (const Discovery* discovery : known) types.insert(discovery->type);
  // Beside it there may be sockets of a driver of another kind, which is none of its business.
  return types.contains(kType)
             ? Pass(kType)
             : Fail(absl::StrCat(
                   "its sockets have the type ",
                   absl::StrJoin(types, ", ", [](std::string* text, const std::string& type) {
                     text->append(Quoted(type));
                   })));
}

// Of sockets of device plugins.
std::vector<const Discovery*> DevicePlugins(const Observation& seen) {
  std::vector<const Discovery*> plugins = Known(seen);
  std::erase_if(plugins, [](const Discovery* discovery) { return discovery->type != kType; });
  return plugins;
}

Judgement Version(const Observation& seen) {
  const std::vector<const Discovery*> plugins = DevicePlugins(seen);
  if (plugins.empty()) return NotKnown(seen);
  Complaints complaints;
  for (const Discovery* discovery : plugins) {
    const auto& versions = discovery->versions;
    if (std::find(versions.begin(), versions.end(), kVersion) != versions.end()) continue;
    complaints.Add(absl::StrCat(Where(*discovery), " supports the versions ", Ids(versions)));
  }
  return complaints.OrElse(kVersion);
}

Judgement ResourceName(const Observation& seen) {
  const std::vector<const Discovery*> plugins = DevicePlugins(seen);
  if (plugins.empty()) return NotKnown(seen);
  Complaints complaints;
  std::set<std::string> names;
  for (const Discovery* discovery : plugins) {
    names.insert(discovery->resource);
    const absl::Status valid = ValidateExtendedResourceName(discovery->resource);
    if (!valid.ok()) complaints.Add(std::string(valid.message()));
  }
  return complaints.OrElse(absl::StrJoin(names, ", "));
}

std::string EndpointOf(const Discovery& discovery) {
  return discovery.endpoint.empty() ? Where(discovery) : Quoted(discovery.endpoint);
}

Judgement AnswersDial(const Observation& seen) {
  Complaints complaints;
  std::size_t dialled = 0;
  for (const Discovery* discovery : DevicePlugins(seen)) {
    if (!discovery->dialled) continue;
    ++dialled;
    if (discovery->dialled->ok()) continue;
    complaints.Add(absl::StrCat("nobody answers on the endpoint ", EndpointOf(*discovery), " of ",
                                discovery->resource, " within ", Took(discovery->dialled->took)));
  }
  if (dialled == 0) return NotKnown(seen);
  return complaints.OrElse(Count(dialled, "connection"));
}

Judgement OptionsAnswered(const Observation& seen) {
  Complaints complaints;
  std::size_t asked = 0;
  Duration longest = Duration::zero();
  for (const Discovery* discovery : DevicePlugins(seen)) {
    if (!discovery->options_asked) continue;
    ++asked;
    longest = std::max(longest, discovery->options_asked->took);
    if (discovery->options_asked->ok()) continue;
    complaints.Add(absl::StrCat(discovery->resource, ": ", discovery->options_asked->error,
                                " after ", Took(discovery->options_asked->took)));
  }
  if (asked == 0) return NotKnown(seen);
  return complaints.OrElse(absl::StrCat("answered within ", Took(longest)));
}

Judgement TakesTheNews(const Observation& seen) {
  Complaints complaints;
  std::size_t told = 0;
  for (const Discovery* discovery : Known(seen)) {
    if (!discovery->told) continue;
    ++told;
    if (discovery->told->ok()) continue;
    complaints.Add(
        absl::StrCat(Where(*discovery), ": NotifyRegistrationStatus: ", discovery->told->error));
  }
  if (told == 0) return NotKnown(seen);
  return complaints.OrElse(Count(told, "socket"));
}

// What went wrong first in an attempt; "" when nothing did.
std::string Trouble(const Discovery& discovery) {
  if (!discovery.asked.ok()) return absl::StrCat("GetInfo: ", discovery.asked.error);
  if (discovery.dialled && !discovery.dialled->ok()) {
    return absl::StrCat("nobody answers on the endpoint ", EndpointOf(discovery));
  }
  if (discovery.options_asked && !discovery.options_asked->ok()) {
    return absl::StrCat("GetDevicePluginOptions: ", discovery.options_asked->error);
  }
  if (discovery.told && !discovery.told->ok()) {
    return absl::StrCat("NotifyRegistrationStatus: ", discovery.told->error);
  }
  return "";
}

Judgement FoundAgain(const Observation& seen) {
  const auto comeback =
      std::find_if(seen.comebacks.begin(), seen.comebacks.end(),
                   [](const Comeback& played) { return played.stage == Stage::kRestart; });
  const std::vector<const Discovery*> plugins = DevicePlugins(seen);
  if (plugins.empty()) return NotKnown(seen);
  if (comeback == seen.comebacks.end()) return NotApplicable("not played");
  std::vector<std::string> troubles;
  for (const Discovery* attempt : Newest(seen, Stage::kRestart)) {
    std::string trouble = Trouble(*attempt);
    if (trouble.empty()) continue;
    troubles.push_back(absl::StrCat(Where(*attempt), ": ", trouble));
  }
  Complaints complaints;
  std::size_t found = 0;
  for (const Discovery* discovery : plugins) {
    const auto resource = comeback->resources.find(discovery->resource);
    if (resource == comeback->resources.end()) continue;
    ++found;
    if (resource->second) continue;
    complaints.Add(absl::StrCat(discovery->resource, " is not registered and listed after ",
                                Took(comeback->patience), troubles.empty() ? "" : "; ",
                                absl::StrJoin(troubles, "; ")));
  }
  if (found == 0) return NotApplicable("not played");
  return complaints.OrElse(Count(found, "resource"));
}

Judgement RemovesSocket(const Observation& seen) {
  if (!seen.stop || !seen.stop->was_in_registry) {
    return seen.discoveries.empty() ? NotFound() : NotApplicable("not played");
  }
  if (!seen.stop->ended_after) return NotApplicable("it did not end by itself");
  if (seen.stop->registry_left.empty()) return Pass("no socket is left");
  return Fail(absl::StrCat("left: ", Ids(seen.stop->registry_left)));
}

}  // namespace

std::vector<Rule> RegistryRules() {
  return {
      {"registry/info", Severity::kMust,
       "A kubelet that finds a socket in plugins_registry asks it GetInfo, and gives it a second.",
       Info},
      {"registry/type", Severity::kMust,
       "A kubelet takes a socket in plugins_registry for a device plugin's when its type is "
       "DevicePlugin.",
       Type},
      {"registry/version", Severity::kMust,
       "A kubelet refuses a device plugin whose supported versions lack v1beta1.", Version},
      {"registry/resource-name", Severity::kMust,
       "The name of a device plugin in plugins_registry is its resource, and a kubelet refuses one "
       "that is no extended resource name.",
       ResourceName},
      {"registry/answers-dial", Severity::kMust,
       "A kubelet connects to the endpoint as it is told, or to the socket itself when it is told "
       "none, and gives up after 10 s.",
       AnswersDial},
      {"registry/options", Severity::kMust,
       "A kubelet registers no plugin in plugins_registry whose GetDevicePluginOptions fails.",
       OptionsAnswered},
      {"registry/told", Severity::kMust,
       "A kubelet gives NotifyRegistrationStatus 5 s and disconnects a plugin that fails it.",
       TakesTheNews},
      {"registry/found-again", Severity::kMust,
       "A kubelet that starts finds the sockets in plugins_registry again, asks and tells them "
       "anew, and calls ListAndWatch anew.",
       FoundAgain},
      {"registry/removes-socket", Severity::kShould,
       "A kubelet removes nothing from plugins_registry: a socket that is left there keeps the "
       "plugin registered, and the next kubelet calls on it in vain, again and again.",
       RemovesSocket},
  };
}

}  // namespace nodedevice::devicemanager::conformance
