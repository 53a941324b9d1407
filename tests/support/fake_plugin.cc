#include "tests/support/fake_plugin.h"

#include <chrono>
#include <utility>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "tests/support/unix_channel.h"

namespace nodedevice::testing {
namespace {

constexpr std::chrono::milliseconds kCancelPoll{2};  // a cancelled call wakes nobody

template <typename List>
FakePlugin::Ids ToSet(const List& list) {
  return FakePlugin::Ids(list.begin(), list.end());
}

grpc::Status Failure(const std::string& message) { return {grpc::StatusCode::UNKNOWN, message}; }

std::vector<v1beta1::Device> HealthyDevices(const std::vector<std::string>& ids) {
  std::vector<v1beta1::Device> devices;
  for (const std::string& id : ids) {
    v1beta1::Device& device = devices.emplace_back();
    device.set_id(id);
    device.set_health("Healthy");
  }
  return devices;
}

}  // namespace

int FakeRegistration::times_told() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return times_told_;
}

pluginregistration::RegistrationStatus FakeRegistration::last_told() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_told_;
}

grpc::Status FakeRegistration::GetInfo(grpc::ServerContext* /*context*/,
                                       const pluginregistration::InfoRequest* /*request*/,
                                       pluginregistration::PluginInfo* response) {
  *response = info_;
  return grpc::Status::OK;
}

grpc::Status FakeRegistration::NotifyRegistrationStatus(
    grpc::ServerContext* /*context*/, const pluginregistration::RegistrationStatus* request,
    pluginregistration::RegistrationStatusResponse* /*response*/) {
  const std::lock_guard<std::mutex> lock(mutex_);
  last_told_ = *request;
  ++times_told_;
  return grpc::Status::OK;
}

FakePlugin::FakePlugin(std::filesystem::path socket, std::vector<std::string> ids,
                       PluginScript script)
    : socket_(std::move(socket)), script_(std::move(script)), devices_(HealthyDevices(ids)) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_.string(), grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  if (!script_.info.type().empty()) builder.RegisterService(&registration_);
  server_ = builder.BuildAndStart();
}

FakePlugin::~FakePlugin() {
  EndStreams();
  server_->Shutdown(std::chrono::system_clock::now());
}

grpc::Status FakePlugin::Register(const std::string& resource) {
  v1beta1::RegisterRequest request;
  request.set_version("v1beta1");
  request.set_endpoint(socket_.filename());
  request.set_resource_name(resource);
  return CallRegister(socket_.parent_path() / "kubelet.sock", request);
}

void FakePlugin::SetDevices(std::vector<v1beta1::Device> devices) {
  const std::lock_guard<std::mutex> lock(mutex_);
  devices_ = std::move(devices);
  ++list_version_;
  changed_.notify_all();
}

void FakePlugin::SetHealthy(const std::vector<std::string>& ids) {
  SetDevices(HealthyDevices(ids));
}

void FakePlugin::EndStreams() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++ended_generation_;
  changed_.notify_all();
}

int FakePlugin::options_asked() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return options_asked_;
}

int FakePlugin::open_streams() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return open_streams_;
}

int FakePlugin::cancelled_streams() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_streams_;
}

std::vector<FakePlugin::Ids> FakePlugin::allocations() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return allocations_;
}

std::vector<FakePlugin::Preference> FakePlugin::preferences() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return preferences_;
}

std::vector<FakePlugin::Ids> FakePlugin::pre_starts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return pre_starts_;
}

grpc::Status FakePlugin::GetDevicePluginOptions(grpc::ServerContext* /*context*/,
                                                const v1beta1::Empty* /*request*/,
                                                v1beta1::DevicePluginOptions* response) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++options_asked_;
  }
  if (!script_.options_error.empty()) return Failure(script_.options_error);
  response->set_pre_start_required(script_.pre_start);
  response->set_get_preferred_allocation_available(script_.prefers);
  return grpc::Status::OK;
}

grpc::Status FakePlugin::ListAndWatch(grpc::ServerContext* context,
                                      const v1beta1::Empty* /*request*/,
                                      grpc::ServerWriter<v1beta1::ListAndWatchResponse>* writer) {
  std::unique_lock<std::mutex> lock(mutex_);
  const int generation = ended_generation_;
  int sent = -1;
  ++open_streams_;
  while (generation == ended_generation_ && !context->IsCancelled()) {
    if (sent != list_version_) {
      sent = list_version_;
      v1beta1::ListAndWatchResponse response;
      for (const v1beta1::Device& device : devices_) *response.add_devices() = device;
      lock.unlock();
      writer->Write(response);
      lock.lock();
      continue;
    }
    changed_.wait_for(lock, kCancelPoll);
  }
  --open_streams_;
  if (context->IsCancelled()) ++cancelled_streams_;
  return grpc::Status::OK;
}

grpc::Status FakePlugin::GetPreferredAllocation(grpc::ServerContext* /*context*/,
                                                const v1beta1::PreferredAllocationRequest* request,
                                                v1beta1::PreferredAllocationResponse* response) {
  if (!script_.preferred_error.empty()) return Failure(script_.preferred_error);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& container : request->container_requests()) {
    preferences_.push_back({ToSet(container.available_deviceids()),
                            ToSet(container.must_include_deviceids()),
                            container.allocation_size()});
  }
  auto& answer = *response->add_container_responses();
  for (const std::string& id : script_.preferred) answer.add_deviceids(id);
  return grpc::Status::OK;
}

grpc::Status FakePlugin::Allocate(grpc::ServerContext* context,
                                  const v1beta1::AllocateRequest* request,
                                  v1beta1::AllocateResponse* response) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (const auto& container : request->container_requests()) {
    allocations_.push_back(ToSet(container.devices_ids()));
  }
  while (script_.hang_in_allocate && !context->IsCancelled()) changed_.wait_for(lock, kCancelPoll);
  if (!script_.allocate_error.empty()) return Failure(script_.allocate_error);
  if (script_.empty_allocate_answer) return grpc::Status::OK;
  auto& answer = *response->add_container_responses();
  answer = script_.answer;
  for (const std::string& id : allocations_.back()) {
    auto& device = *answer.add_devices();
    device.set_container_path("/dev/" + id);
    device.set_host_path("/dev/" + id);
    device.set_permissions("rw");
  }
  return grpc::Status::OK;
}

grpc::Status FakePlugin::PreStartContainer(grpc::ServerContext* /*context*/,
                                           const v1beta1::PreStartContainerRequest* request,
                                           v1beta1::PreStartContainerResponse* /*response*/) {
  const std::lock_guard<std::mutex> lock(mutex_);
  pre_starts_.push_back(ToSet(request->devices_ids()));
  return script_.pre_start_error.empty() ? grpc::Status::OK : Failure(script_.pre_start_error);
}

grpc::Status CallRegister(const std::filesystem::path& kubelet_socket,
                          const v1beta1::RegisterRequest& request) {
  const auto stub = v1beta1::Registration::NewStub(UnixChannel(kubelet_socket));
  grpc::ClientContext context;
  v1beta1::Empty response;
  return stub->Register(&context, request, &response);
}

}  // namespace nodedevice::testing
