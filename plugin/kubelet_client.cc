#include "plugin/kubelet_client.h"

#include <chrono>
#include <utility>

#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice {
namespace {

// The kubelet dials back for up to 10 s before it gives up; its own message says more than our
// deadline could.
constexpr std::chrono::seconds kDeadline(15);

}  // namespace

struct RegisterCall::State {
  std::unique_ptr<v1beta1::Registration::Stub> stub;
  grpc::ClientContext context;
  v1beta1::RegisterRequest request;
  v1beta1::Empty reply;
};

std::unique_ptr<RegisterCall> RegisterCall::Start(EventLoop& loop, const KubeletPaths& paths,
                                                  const std::string& resource,
                                                  const std::string& endpoint,
                                                  std::function<void(absl::Status)> done) {
  auto state = std::make_shared<State>();
  // A channel for one call: gRPC would otherwise remember a refused connection and back off, and
  // wake up now and then for a channel that idles.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  state->stub = v1beta1::Registration::NewStub(
      grpc::CreateCustomChannel("unix://" + paths.registration_socket().string(),
                                grpc::InsecureChannelCredentials(), arguments));
  state->context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  state->request.set_version("v1beta1");
  state->request.set_endpoint(endpoint);
  state->request.set_resource_name(resource);
  state->request.mutable_options()->set_get_preferred_allocation_available(true);
  // The callback holds the state until the call is over and takes it to the loop: gRPC 1.51 crashes
  // when the last channel of a process is destroyed on one of its own threads.
  state->stub->async()->Register(
      &state->context, &state->request, &state->reply,
      [held = state, done = std::move(done), &loop](const grpc::Status& status) mutable {
        absl::Status result;
        if (!status.ok()) {
          result = absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                                status.error_message());
        }
        loop.Post([held = std::move(held), done = std::move(done), result] { done(result); });
      });
  return std::unique_ptr<RegisterCall>(new RegisterCall(std::move(state)));
}

RegisterCall::RegisterCall(std::shared_ptr<State> state) : state_(std::move(state)) {}

RegisterCall::~RegisterCall() { state_->context.TryCancel(); }

}  // namespace nodedevice
