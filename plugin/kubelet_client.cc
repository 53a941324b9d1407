#include "plugin/kubelet_client.h"

#include <chrono>
#include <utility>

#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "plugin/wire_options.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice {
namespace {

// The kubelet dials back for up to 10 s before it gives up; its own message says more than our
// deadline could.
constexpr std::chrono::seconds kDeadline(15);

absl::Status Call(const std::string& address, const v1beta1::RegisterRequest& request,
                  grpc::ClientContext* context) {
  // A channel for one call: gRPC would otherwise remember a refused connection and back off, and
  // wake up now and then for a channel that idles.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto stub = v1beta1::Registration::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  v1beta1::Empty reply;
  const grpc::Status status = stub->Register(context, request, &reply);
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

}  // namespace

struct RegisterCall::State {
  grpc::ClientContext context;
};

RegisterCall::RegisterCall(const KubeletPaths& paths, const std::string& resource,
                           const std::string& endpoint, bool prepares,
                           std::function<void(absl::Status)> done)
    : state_(std::make_unique<State>()) {
  state_->context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  v1beta1::RegisterRequest request;
  request.set_version("v1beta1");
  request.set_endpoint(endpoint);
  request.set_resource_name(resource);
  *request.mutable_options() = OptionsOfThisPlugin(prepares);
  thread_ = std::thread([address = "unix://" + paths.registration_socket().string(),
                         request = std::move(request), context = &state_->context,
                         done = std::move(done)] { done(Call(address, request, context)); });
}

RegisterCall::~RegisterCall() {
  state_->context.TryCancel();
  thread_.join();
}

}  // namespace nodedevice
