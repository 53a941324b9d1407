#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "devicemanager/node_state.h"
#include "devicemanager/plugin_client.h"
#include "devicemanager/thread_group.h"
#include "proto/deviceplugin.pb.h"

namespace nodedevice::devicemanager {

// The connections to the plugins of this node: accepts registrations by the kubelet's rules and
// receives the plugins' lists into the state. Thread-safe. Begins closed.
class PluginConnections {
 public:
  // A relative endpoint of a registration is looked for in `socket_dir`.
  PluginConnections(NodeState& state, std::filesystem::path socket_dir, Duration dial_timeout);
  ~PluginConnections();

  // The Register call: checks the request, dials the plugin back and asks for its options, all
  // before it returns. Its errors are the kubelet's, word for word.
  absl::Status Register(const v1beta1::RegisterRequest& request);

  // The rest of it: the plugin that serves on `socket` takes the resource.
  absl::Status RegisterAt(const std::string& resource, const std::filesystem::path& socket);

  // Disconnects whoever is connected for the resource, whose grace begins.
  void Deregister(const std::string& resource);

  // Ends the streams of a resource, or of all of them: what a plugin sees when its connection
  // breaks. kNotFound when there is no stream.
  absl::Status DropStreams(const std::optional<std::string>& resource);

  // The plugin that answers for the resource, or nullptr.
  std::shared_ptr<PluginClient> Find(const std::string& resource);

  // Lets registrations in (again).
  void Open();

  // Ends every stream, call and registration under way, and waits until their threads are done with
  // the state. Registrations are refused from now on.
  void Close();

 private:
  struct Connection {
    std::string resource;
    std::shared_ptr<PluginClient> client;
  };

  // Dials, asks for the options, and looks whether the plugin may take the resource.
  absl::StatusOr<PluginOptions> Connect(const std::string& resource, PluginClient& client);
  void Receive(ClientId id, const std::string& resource,
               const std::shared_ptr<PluginClient>& client);
  void Disconnect(ClientId id, const std::string& resource);
  void Remove(ClientId id);

  NodeState& state_;
  const std::filesystem::path socket_dir_;
  const Duration dial_timeout_;

  std::mutex mutex_;
  bool open_ = false;                                               // guarded by mutex_
  ClientId last_id_ = 0;                                            // guarded by mutex_
  std::map<ClientId, Connection> connecting_or_streaming_;          // by mutex_
  std::map<std::string, std::shared_ptr<PluginClient>> endpoints_;  // by mutex_
  ThreadGroup receivers_;  // last: its threads use all of the above
};

}  // namespace nodedevice::devicemanager
