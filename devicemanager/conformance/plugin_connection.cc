#include "devicemanager/conformance/plugin_connection.h"

#include <algorithm>
#include <utility>

#include "devicemanager/conformance/wire.h"
#include "devicemanager/rpc_error.h"
#include "devicemanager/unix_socket.h"
#include "grpcpp/create_channel_posix.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr Duration kDialAgain = std::chrono::seconds(1);
constexpr char kClosed[] = "the connection is closed";

}  // namespace

PluginConnection::PluginConnection(std::filesystem::path socket)
    : socket_(std::move(socket)), calls_(kClosed) {}

Outcome PluginConnection::Dial(Duration limit) {
  const TimePoint begin = Clock::now();
  const auto took = [&] { return Clock::now() - begin; };
  for (;;) {
    absl::StatusOr<UniqueFd> connected = ConnectUnix(socket_);
    if (connected.ok()) {
      stub_ = v1beta1::DevicePlugin::NewStub(
          grpc::CreateInsecureChannelFromFd("localhost", connected->Release()));
      return {.took = took()};
    }
    const bool closed =
        calls_.WaitForCancel(Clock::now() + std::min<Duration>(kDialAgain, limit - took()));
    if (closed || took() >= limit) {
      return {.kind = Outcome::Kind::kTimedOut,
              .error = std::string(connected.status().message()),
              .took = took()};
    }
  }
}

Outcome PluginConnection::Call(std::optional<Duration> limit,
                               const std::function<grpc::Status(grpc::ClientContext*)>& rpc) {
  if (closed()) return {.kind = Outcome::Kind::kRefused, .error = kClosed};
  const TimePoint begin = Clock::now();
  const grpc::Status status = calls_.Run(limit, rpc);
  Outcome outcome{.took = Clock::now() - begin};
  if (status.ok()) return outcome;
  outcome.error = GoErrorText(status);
  const bool late =
      status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && limit && outcome.took >= *limit;
  outcome.kind = late ? Outcome::Kind::kTimedOut : Outcome::Kind::kRefused;
  return outcome;
}

Outcome PluginConnection::GetOptions(Duration limit, Options* options) {
  v1beta1::DevicePluginOptions response;
  Outcome outcome = Call(limit, [&](grpc::ClientContext* context) {
    return stub_->GetDevicePluginOptions(context, v1beta1::Empty(), &response);
  });
  *options = OptionsOf(response);
  return outcome;
}

Outcome PluginConnection::Allocate(const std::vector<std::string>& ids, Duration limit,
                                   v1beta1::AllocateResponse* response) {
  v1beta1::AllocateRequest request;
  v1beta1::ContainerAllocateRequest& container = *request.add_container_requests();
  for (const std::string& id : ids) container.add_devices_ids(id);
  return Call(limit, [&](grpc::ClientContext* context) {
    return stub_->Allocate(context, request, response);
  });
}

void PluginConnection::GetPreferred(Duration limit, PreferredCall* call) {
  v1beta1::PreferredAllocationRequest request;
  v1beta1::ContainerPreferredAllocationRequest& container = *request.add_container_requests();
  for (const std::string& id : call->available) container.add_available_deviceids(id);
  for (const std::string& id : call->must_include) container.add_must_include_deviceids(id);
  container.set_allocation_size(call->size);
  v1beta1::PreferredAllocationResponse response;
  call->outcome = Call(limit, [&](grpc::ClientContext* context) {
    return stub_->GetPreferredAllocation(context, request, &response);
  });
  call->ids = PreferredOf(response);
}

Outcome PluginConnection::PreStart(const std::vector<std::string>& ids, Duration limit) {
  v1beta1::PreStartContainerRequest request;
  for (const std::string& id : ids) request.add_devices_ids(id);
  v1beta1::PreStartContainerResponse response;
  return Call(limit, [&](grpc::ClientContext* context) {
    return stub_->PreStartContainer(context, request, &response);
  });
}

void PluginConnection::Watch(const std::function<void(DeviceList)>& on_list) {
  Call(std::nullopt, [&](grpc::ClientContext* context) {
    const auto stream = stub_->ListAndWatch(context, v1beta1::Empty());
    v1beta1::ListAndWatchResponse response;
    while (stream->Read(&response)) on_list(DevicesOf(response));
    return stream->Finish();
  });
}

}  // namespace nodedevice::devicemanager::conformance
