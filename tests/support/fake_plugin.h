#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/server.h"
#include "proto/deviceplugin.grpc.pb.h"
#include "proto/pluginregistration.grpc.pb.h"

namespace nodedevice::testing {

// What a device plugin does when it is called. The defaults are a plugin of the simplest kind.
struct PluginScript {
  bool pre_start = false;
  bool prefers = false;
  std::vector<std::string> preferred = {};  // the answer to GetPreferredAllocation
  bool empty_allocate_answer = false;
  v1beta1::ContainerAllocateResponse answer = {};  // to Allocate, with /dev/<id> for each id added
  bool hang_in_allocate = false;                   // until the call is cancelled
  std::string options_error = "";
  std::string allocate_error = "";
  std::string preferred_error = "";
  std::string pre_start_error = "";
  // What it tells a plugin watcher that finds its socket in plugins_registry; without a type
  // nothing is told.
  pluginregistration::PluginInfo info = {};
};

// What a plugin in plugins_registry says of itself, and what it is told about its registration.
// Thread-safe.
class FakeRegistration : public pluginregistration::Registration::Service {
 public:
  explicit FakeRegistration(pluginregistration::PluginInfo info) : info_(std::move(info)) {}

  int times_told() const;
  pluginregistration::RegistrationStatus last_told() const;

 private:
  grpc::Status GetInfo(grpc::ServerContext* context, const pluginregistration::InfoRequest* request,
                       pluginregistration::PluginInfo* response) override;
  grpc::Status NotifyRegistrationStatus(
      grpc::ServerContext* context, const pluginregistration::RegistrationStatus* request,
      pluginregistration::RegistrationStatusResponse* response) override;

  const pluginregistration::PluginInfo info_;
  mutable std::mutex mutex_;
  int times_told_ = 0;
  pluginregistration::RegistrationStatus last_told_;
};

// A device plugin that does what its script says and remembers what it was asked. It speaks the raw
// protocol and shares no code with our plugins or our Device Manager. Thread-safe.
class FakePlugin : private v1beta1::DevicePlugin::Service {
 public:
  using Ids = std::set<std::string>;
  struct Preference {
    Ids available;
    Ids must_include;
    int size = 0;
  };

  // Serves on `socket` from now on and lists healthy devices with these ids.
  FakePlugin(std::filesystem::path socket, std::vector<std::string> ids, PluginScript script = {});
  ~FakePlugin() override;

  // Calls Register on kubelet.sock beside the plugin's own socket.
  grpc::Status Register(const std::string& resource);

  // Sends a new list on every open stream.
  void SetDevices(std::vector<v1beta1::Device> devices);
  void SetHealthy(const std::vector<std::string>& ids);

  // Ends the streams that are open now, from the plugin's side.
  void EndStreams();

  int options_asked() const;
  int open_streams() const;
  int cancelled_streams() const;  // ended by the Device Manager
  std::vector<Ids> allocations() const;
  std::vector<Preference> preferences() const;
  std::vector<Ids> pre_starts() const;
  // Of a plugin in plugins_registry.
  const FakeRegistration& registration() const { return registration_; }

 private:
  grpc::Status GetDevicePluginOptions(grpc::ServerContext* context, const v1beta1::Empty* request,
                                      v1beta1::DevicePluginOptions* response) override;
  grpc::Status ListAndWatch(grpc::ServerContext* context, const v1beta1::Empty* request,
                            grpc::ServerWriter<v1beta1::ListAndWatchResponse>* writer) override;
  grpc::Status GetPreferredAllocation(grpc::ServerContext* context,
                                      const v1beta1::PreferredAllocationRequest* request,
                                      v1beta1::PreferredAllocationResponse* response) override;
  grpc::Status Allocate(grpc::ServerContext* context, const v1beta1::AllocateRequest* request,
                        v1beta1::AllocateResponse* response) override;
  grpc::Status PreStartContainer(grpc::ServerContext* context,
                                 const v1beta1::PreStartContainerRequest* request,
                                 v1beta1::PreStartContainerResponse* response) override;

  const std::filesystem::path socket_;
  const PluginScript script_;
  FakeRegistration registration_{script_.info};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<v1beta1::Device> devices_;
  int list_version_ = 0;
  int ended_generation_ = 0;
  int options_asked_ = 0;
  int open_streams_ = 0;
  int cancelled_streams_ = 0;
  std::vector<Ids> allocations_;
  std::vector<Preference> preferences_;
  std::vector<Ids> pre_starts_;

  std::unique_ptr<grpc::Server> server_;
};

// Register with any request, on any kubelet.sock.
grpc::Status CallRegister(const std::filesystem::path& kubelet_socket,
                          const v1beta1::RegisterRequest& request);

}  // namespace nodedevice::testing
