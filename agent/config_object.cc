#include "agent/config_object.h"

#include <utility>

#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

// Why what is known may be old, and what to do where there is something to do.
std::string Explain(const absl::Status& problem) {
  if (problem.ok()) return "";
  std::string text(problem.message());
  if (absl::IsNotFound(problem)) {
    return absl::StrCat(
        text, "; the cluster does not know DevicePluginConfigs: apply the files of crds/");
  }
  if (absl::IsPermissionDenied(problem)) {
    return absl::StrCat(text, "; the agent's ServiceAccount lacks its ClusterRole");
  }
  if (absl::IsUnauthenticated(problem)) {
    return absl::StrCat(text,
                        "; the agent's token is not accepted: if its ServiceAccount was made anew, "
                        "delete the agent's pod");
  }
  return text;
}

}  // namespace

ConfigObject::ConfigObject(EventLoop& loop, Worker& worker, ApiClient& client,
                           const std::string& name, Callbacks callbacks, std::uint32_t seed)
    : callbacks_(std::move(callbacks)),
      withdraw_(loop, [this] { Withdraw(); }),
      watcher_(loop, worker, client,
               {absl::StrCat("/apis/", kApiVersion, "/devicepluginconfigs"),
                absl::StrCat("fieldSelector=metadata.name=", name)},
               {.on_upsert = [this](const nlohmann::json& object) { OnObject(object); },
                .on_remove = [this](const std::string&) { OnRemoved(); },
                .on_synced = [this] { OnSynced(); },
                .on_problem = [this](const absl::Status& problem) { OnProblem(problem); }},
               seed) {
  status_.source = absl::StrCat("DevicePluginConfig ", name);
  status_.name = name;
  status_.stale = "the API server has not answered yet";
}

void ConfigObject::OnObject(const nlohmann::json& object) {
  if (!TextAt(object, "/metadata/deletionTimestamp").empty()) return OnRemoved();
  exists_ = true;
  withdraw_.Cancel();
  status_.uid = TextAt(object, "/metadata/uid");
  const Parsed<DevicePluginConfig> parsed = ParseDevicePluginConfig(object);
  status_.error = ToString(parsed.errors);
  if (parsed.ok()) {
    status_.accepted = true;
    status_.generation = parsed.value.generation;
    callbacks_.on_accepted(parsed.value);
  }
  callbacks_.on_status();
}

void ConfigObject::OnRemoved() {
  if (!std::exchange(exists_, false)) return;
  withdraw_.After(kMayComeBack);
}

void ConfigObject::OnSynced() {
  if (exists_ || status_.accepted) return;
  status_.error = absl::StrCat("there is no ", status_.source);
  callbacks_.on_status();
}

void ConfigObject::OnProblem(const absl::Status& problem) {
  status_.stale = Explain(problem);
  callbacks_.on_status();
}

void ConfigObject::Withdraw() {
  status_.accepted = false;
  status_.generation = 0;
  status_.uid.clear();
  status_.error = absl::StrCat(status_.source, " was deleted");
  const DevicePluginConfig nothing;
  callbacks_.on_accepted(nothing);
  callbacks_.on_status();
}

}  // namespace nodedevice
