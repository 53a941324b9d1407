#include "devicemanager/plugin_client.h"

#include <algorithm>
#include <utility>

#include "devicemanager/rpc_error.h"
#include "devicemanager/unix_socket.h"
#include "grpcpp/create_channel_posix.h"
#include "lib/base/backoff.h"
#include "lib/base/log.h"

namespace nodedevice::devicemanager {
namespace {

// gRPC in Go waits so long between attempts to connect.
constexpr Backoff kDialBackoff{std::chrono::seconds(1), std::chrono::seconds(2)};

constexpr char kClosing[] = "grpc: the client connection is closing";

grpc::Status ConnectionClosing() { return {grpc::StatusCode::CANCELLED, kClosing}; }

}  // namespace

std::vector<Device> DevicesOf(const v1beta1::ListAndWatchResponse& response) {
  std::vector<Device> devices;
  devices.reserve(static_cast<std::size_t>(response.devices_size()));
  for (const v1beta1::Device& listed : response.devices()) {
    Device device{.id = listed.id(), .healthy = listed.health() == "Healthy", .numa_nodes = {}};
    for (const v1beta1::NUMANode& node : listed.topology().nodes()) {
      device.numa_nodes.push_back(node.id());
    }
    devices.push_back(std::move(device));
  }
  return devices;
}

PluginOptions OptionsOf(const v1beta1::DevicePluginOptions& options) {
  return {.pre_start_required = options.pre_start_required(),
          .preferred_allocation_available = options.get_preferred_allocation_available()};
}

DeviceIds PreferredOf(const v1beta1::PreferredAllocationResponse& response) {
  if (response.container_responses().empty()) return {};
  const auto& ids = response.container_responses(0).deviceids();
  return {ids.begin(), ids.end()};
}

PluginClient::PluginClient(std::filesystem::path socket)
    : socket_(std::move(socket)), calls_(kClosing) {}

PluginClient::~PluginClient() { Close(); }

absl::Status PluginClient::Dial(Duration timeout, bool in_vain) {
  const TimePoint deadline = Clock::now() + timeout;
  for (int failures = 1;; ++failures) {
    absl::StatusOr<UniqueFd> connected = absl::UnavailableError("plugins are not dialled");
    if (!in_vain) connected = ConnectUnix(socket_);
    if (connected.ok()) {
      // gRPC owns the descriptor from here on. The kubelet's :authority is "localhost", too.
      stub_ = v1beta1::DevicePlugin::NewStub(
          grpc::CreateInsecureChannelFromFd("localhost", connected->Release()));
      return absl::OkStatus();
    }
    const TimePoint next = std::min(deadline, Clock::now() + kDialBackoff.After(failures));
    if (calls_.WaitForCancel(next)) return FromGrpc(ConnectionClosing());
    if (Clock::now() >= deadline) {
      spdlog::debug("{}", std::string(connected.status().message()));
      return absl::DeadlineExceededError("context deadline exceeded");
    }
  }
}

absl::Status PluginClient::Call(std::optional<Duration> timeout,
                                const std::function<grpc::Status(grpc::ClientContext*)>& rpc) {
  grpc::Status status = calls_.Run(timeout, rpc);
  if (status.error_code() == grpc::StatusCode::CANCELLED && calls_.cancelled()) {
    status = ConnectionClosing();
  }
  return status.ok() ? absl::OkStatus() : FromGrpc(status);
}

absl::StatusOr<PluginOptions> PluginClient::GetOptions(Duration timeout) {
  v1beta1::DevicePluginOptions options;
  RETURN_IF_ERROR(Call(timeout, [&](grpc::ClientContext* context) {
    return stub_->GetDevicePluginOptions(context, v1beta1::Empty(), &options);
  }));
  return OptionsOf(options);
}

absl::Status PluginClient::Watch(const std::function<void(std::vector<Device>)>& on_list) {
  RETURN_IF_ERROR(Call(std::nullopt, [&](grpc::ClientContext* context) {
    const auto stream = stub_->ListAndWatch(context, v1beta1::Empty());
    v1beta1::ListAndWatchResponse response;
    while (stream->Read(&response)) on_list(DevicesOf(response));
    return stream->Finish();
  }));
  return absl::OutOfRangeError("EOF");
}

absl::StatusOr<v1beta1::AllocateResponse> PluginClient::Allocate(const DeviceIds& devices) {
  v1beta1::AllocateRequest request;
  v1beta1::ContainerAllocateRequest& container = *request.add_container_requests();
  for (const std::string& id : devices) container.add_devices_ids(id);
  v1beta1::AllocateResponse response;
  RETURN_IF_ERROR(Call(std::nullopt, [&](grpc::ClientContext* context) {
    return stub_->Allocate(context, request, &response);
  }));
  return response;
}

absl::StatusOr<DeviceIds> PluginClient::GetPreferred(const AskPlugin& offer) {
  v1beta1::PreferredAllocationRequest request;
  v1beta1::ContainerPreferredAllocationRequest& container = *request.add_container_requests();
  for (const std::string& id : offer.available) container.add_available_deviceids(id);
  for (const std::string& id : offer.must_include) container.add_must_include_deviceids(id);
  container.set_allocation_size(offer.size);
  v1beta1::PreferredAllocationResponse response;
  RETURN_IF_ERROR(Call(std::nullopt, [&](grpc::ClientContext* context) {
    return stub_->GetPreferredAllocation(context, request, &response);
  }));
  return PreferredOf(response);
}

absl::Status PluginClient::PreStart(const DeviceIds& devices, Duration timeout) {
  v1beta1::PreStartContainerRequest request;
  for (const std::string& id : devices) request.add_devices_ids(id);
  v1beta1::PreStartContainerResponse response;
  return Call(timeout, [&](grpc::ClientContext* context) {
    return stub_->PreStartContainer(context, request, &response);
  });
}

void PluginClient::Close() { calls_.Cancel(); }

}  // namespace nodedevice::devicemanager
