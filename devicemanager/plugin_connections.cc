#include "devicemanager/plugin_connections.h"

#include <optional>
#include <utility>
#include <vector>

#include "devicemanager/register_request.h"
#include "lib/base/log.h"

namespace nodedevice::devicemanager {

PluginConnections::PluginConnections(NodeState& state, std::filesystem::path socket_dir,
                                     Duration dial_timeout)
    : state_(state), socket_dir_(std::move(socket_dir)), dial_timeout_(dial_timeout) {}

PluginConnections::~PluginConnections() { Close(); }

absl::Status PluginConnections::Register(const v1beta1::RegisterRequest& request) {
  const std::string& resource = request.resource_name();
  state_.Change([&](State& state) { ++state.metrics.registrations[resource]; });
  RETURN_IF_ERROR(CheckRegisterRequest(request));
  state_.SitOut(Rpc::kRegister);
  return RegisterAt(resource, EndpointPath(socket_dir_, request.endpoint()));
}

absl::Status PluginConnections::RegisterAt(const std::string& resource,
                                           const std::filesystem::path& socket) {
  const auto client = std::make_shared<PluginClient>(socket);
  ClientId id = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!open_) return absl::UnavailableError("the Device Manager is stopping");
    id = ++last_id_;
    connecting_or_streaming_[id] = {resource, client};
  }
  state_.Change([&](State& state) { state.model.ConnectStarted(resource, id); });
  const absl::StatusOr<PluginOptions> options = Connect(resource, *client);
  if (!options.ok()) {
    state_.Change([&](State& state) { state.model.ConnectFailed(resource); });
    Remove(id);
    return options.status();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!open_) return absl::UnavailableError("the Device Manager is stopping");
  endpoints_[resource] = client;
  state_.Change([&](State& state) { state.model.Connected(resource, id, *options); });
  receivers_.Run([this, id, resource, client] { Receive(id, resource, client); });
  return absl::OkStatus();
}

absl::StatusOr<PluginOptions> PluginConnections::Connect(const std::string& resource,
                                                         PluginClient& client) {
  const Faults faults = state_.Read([](const State& state) { return state.faults; });
  RETURN_IF_ERROR(
      Annotate(client.Dial(dial_timeout_, faults.refuse_dial), "failed to dial device plugin"));
  state_.SitOut(Rpc::kGetOptions);
  absl::StatusOr<PluginOptions> options = client.GetOptions(dial_timeout_);
  if (!options.ok()) return Annotate(options.status(), "failed to get device plugin options");
  const std::shared_ptr<PluginClient> known = Find(resource);
  if (faults.refuse_duplicates && known && known->socket() == client.socket()) {
    return absl::AlreadyExistsError(absl::StrCat("the device plugin of ", resource, " at ",
                                                 client.socket().native(),
                                                 " is registered already"));
  }
  return options;
}

void PluginConnections::Receive(ClientId id, const std::string& resource,
                                const std::shared_ptr<PluginClient>& client) {
  state_.SitOut(Rpc::kListAndWatch);
  const absl::Status end = client->Watch([&](const std::vector<Device>& devices) {
    state_.Change([&](State& state) { state.model.ListReceived(resource, devices); });
    spdlog::info("{}: the plugin lists {} devices", resource, devices.size());
    if (const absl::Status saved = state_.SaveCheckpoint(); !saved.ok()) {
      spdlog::error("{}", std::string(saved.message()));
    }
  });
  spdlog::info("{}: ListAndWatch ended: {}", resource, std::string(end.message()));
  const TimePoint now = state_.Now();
  const std::optional<ClientId> disconnected = state_.Change([&](State& state) {
    return state.faults.old_stream_race ? state.model.StreamEnded(resource, now)
                                        : state.model.OwnStreamEnded(resource, id, now);
  });
  if (disconnected) {
    spdlog::warn("{}: the plugin is disconnected, its devices are unhealthy{}", resource,
                 *disconnected == id ? "" : "; it was a newer one than the one whose stream ended");
    Disconnect(*disconnected, resource);
  }
  Remove(id);
}

void PluginConnections::Disconnect(ClientId id, const std::string& resource) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = connecting_or_streaming_.find(id);
  if (found == connecting_or_streaming_.end()) return;
  const std::shared_ptr<PluginClient>& client = found->second.client;
  client->Close();
  const auto endpoint = endpoints_.find(resource);
  if (endpoint != endpoints_.end() && endpoint->second == client) endpoints_.erase(endpoint);
}

void PluginConnections::Remove(ClientId id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  connecting_or_streaming_.erase(id);
}

void PluginConnections::Deregister(const std::string& resource) {
  const TimePoint now = state_.Now();
  const std::optional<ClientId> disconnected =
      state_.Change([&](State& state) { return state.model.StreamEnded(resource, now); });
  if (disconnected) Disconnect(*disconnected, resource);
}

absl::Status PluginConnections::DropStreams(const std::optional<std::string>& resource) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bool dropped = false;
  for (const auto& [id, connection] : connecting_or_streaming_) {
    if (resource && connection.resource != *resource) continue;
    connection.client->Close();
    dropped = true;
  }
  if (dropped) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("no plugin is connected", resource ? absl::StrCat(" for ", *resource) : ""));
}

std::shared_ptr<PluginClient> PluginConnections::Find(const std::string& resource) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = endpoints_.find(resource);
  return found == endpoints_.end() ? nullptr : found->second;
}

void PluginConnections::Open() {
  const std::lock_guard<std::mutex> lock(mutex_);
  open_ = true;
}

void PluginConnections::Close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = false;
    for (const auto& [id, connection] : connecting_or_streaming_) connection.client->Close();
    for (const auto& [resource, client] : endpoints_) client->Close();
    endpoints_.clear();
  }
  receivers_.Join();
}

}  // namespace nodedevice::devicemanager
