#pragma once

#include <cstdint>
#include <string>

#include "agent/config_source.h"
#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/watcher.h"

namespace nodedevice {

// The desired state, from the DevicePluginConfig of this name. The API server may be away for as
// long as it likes: what was accepted stays in force. Only the server's word that the object is
// gone takes the plugins away, and not before a moment in which it may be made anew, as `kubectl
// replace --force` does. An object that is being deleted counts as gone.
class ConfigObject : public ConfigSource {
 public:
  static constexpr Duration kMayComeBack = std::chrono::seconds(3);

  ConfigObject(EventLoop& loop, Worker& worker, ApiClient& client, const std::string& name,
               Callbacks callbacks, std::uint32_t seed);

  void Start() override { watcher_.Start(); }
  const ConfigStatus& status() const override { return status_; }
  bool was_deleted() const override { return status_.accepted && !exists_; }

 private:
  void OnObject(const nlohmann::json& object);
  void OnRemoved();
  void OnSynced();
  void OnProblem(const absl::Status& problem);
  void Withdraw();

  const Callbacks callbacks_;
  ConfigStatus status_;
  bool exists_ = false;
  Timer withdraw_;
  Watcher watcher_;
};

}  // namespace nodedevice
