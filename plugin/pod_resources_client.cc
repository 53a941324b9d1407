#include "plugin/pod_resources_client.h"

#include <chrono>
#include <string>
#include <utility>

#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "lib/base/status.h"
#include "lib/kubelet/socket_identity.h"
#include "plugin/kubelet_picture.h"
#include "proto/podresources.grpc.pb.h"

namespace nodedevice {
namespace {

constexpr std::chrono::seconds kDeadline(5);
// As the kubelet's own clients: a node with a hundred thousand shares answers with megabytes.
constexpr int kLargestAnswer = 16 << 20;

// Why `method` gave no answer, for people.
KubeletReport Failure(const std::string& method, const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNIMPLEMENTED:
      return {.error = absl::StrCat("this kubelet is too old to be asked: it does not know ",
                                    method, " of its podresources API")};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {.error = absl::StrCat("the kubelet did not answer ", method,
                                    " of its podresources "
                                    "API within ",
                                    kDeadline.count(), " s")};
    default:
      return {.error = absl::StrCat("the kubelet refuses ", method,
                                    " of its podresources API: ", status.error_message())};
  }
}

}  // namespace

struct PodResourcesCall::State {
  State() {
    const auto deadline = std::chrono::system_clock::now() + kDeadline;
    allocatable.set_deadline(deadline);
    list.set_deadline(deadline);
  }

  KubeletReport Look(const std::filesystem::path& socket) {
    // The commonest reason for no answer, in fewer words than gRPC has for it.
    if (const absl::Status status = Connects(socket); !status.ok()) {
      return {.error = std::string(status.message())};
    }
    // A channel for one look: an idle one would wake up now and then.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(kLargestAnswer);
    const auto stub = v1::PodResourcesLister::NewStub(grpc::CreateCustomChannel(
        "unix://" + socket.string(), grpc::InsecureChannelCredentials(), arguments));
    v1::AllocatableResourcesResponse accepted;
    if (const grpc::Status status = stub->GetAllocatableResources(&allocatable, {}, &accepted);
        !status.ok()) {
      return Failure("GetAllocatableResources", status);
    }
    v1::ListPodResourcesResponse pods;
    if (const grpc::Status status = stub->List(&list, {}, &pods); !status.ok()) {
      return Failure("List", status);
    }
    return ToKubeletReport(accepted, pods);
  }

  grpc::ClientContext allocatable;
  grpc::ClientContext list;
};

PodResourcesCall::PodResourcesCall(const KubeletPaths& paths,
                                   std::function<void(KubeletReport)> done)
    : state_(std::make_unique<State>()),
      thread_([socket = paths.pod_resources_socket(), state = state_.get(),
               done = std::move(done)] { done(state->Look(socket)); }) {}

PodResourcesCall::~PodResourcesCall() {
  state_->allocatable.TryCancel();
  state_->list.TryCancel();
  thread_.join();
}

}  // namespace nodedevice
