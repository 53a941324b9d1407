#include "plugin/rpc_server.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "lib/base/clock.h"
#include "lib/kubelet/socket_identity.h"

namespace nodedevice {
namespace {

constexpr std::chrono::milliseconds kShutdownLimit(200);

// gRPC and absl use the same code numbers.
grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

// One method of the API that is asked and answered once a call.
template <typename Request, typename Reply>
struct Method {
  const char* name;  // in the report; nullptr: not worth one
  void (v1beta1::DevicePlugin::AsyncService::*request)(grpc::ServerContext*, Request*,
                                                       grpc::ServerAsyncResponseWriter<Reply>*,
                                                       grpc::CompletionQueue*,
                                                       grpc::ServerCompletionQueue*, void*);
  // Fills the reply, at once, or by the time that `done` is called.
  std::function<void(const Answers&, const Request&, Reply*, Answers::Done done)> answer;
};

// Of a function of Answers that needs no time.
template <typename Request, typename Reply>
auto AtOnce(absl::Status (Answers::*answer)(const Request&, Reply*) const) {
  return [answer](const Answers& answers, const Request& request, Reply* reply,
                  const Answers::Done& done) { done((answers.*answer)(request, reply)); };
}

// What a call needs of its server.
struct Serving {
  v1beta1::DevicePlugin::AsyncService& service;
  RpcQueue& queue;
  const Answers& answers;
  OwedAnswers& owed;
};

// One call of such a method, kept alive by its operations and by the answer that it is owed.
template <typename Request, typename Reply>
class UnaryCall : public std::enable_shared_from_this<UnaryCall<Request, Reply>> {
 public:
  // Waits for the next call; each call that begins asks for the next one itself until the server is
  // shut down.
  static void Accept(const Method<Request, Reply>& method, const Serving& serving) {
    const auto call = std::make_shared<UnaryCall>();
    grpc::ServerCompletionQueue* const queue = serving.queue.get();
    (serving.service.*method.request)(&call->context_, &call->request_, &call->writer_, queue,
                                      queue, serving.queue.Tag([call, method, serving](bool ok) {
                                        if (!ok) return;  // the server is shut down
                                        Accept(method, serving);
                                        call->Answer(method, serving);
                                      }));
  }

 private:
  void Answer(const Method<Request, Reply>& method, const Serving& serving) {
    const auto give = [call = this->shared_from_this(), name = method.name, serving,
                       start = Clock::now()](const absl::Status& status) {
      call->writer_.Finish(call->reply_, ToGrpc(status), serving.queue.Tag([call](bool) {}));
      if (name != nullptr) serving.answers.Record(name, Clock::now() - start, status);
    };
    method.answer(serving.answers, request_, &reply_, serving.owed.Owe(give));
  }

  grpc::ServerContext context_;
  Request request_;
  Reply reply_;
  grpc::ServerAsyncResponseWriter<Reply> writer_{&context_};
};

template <typename Request, typename Reply>
void Accept(const Method<Request, Reply>& method, const Serving& serving) {
  UnaryCall<Request, Reply>::Accept(method, serving);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Open(const std::filesystem::path& socket,
                                                           Parts parts) {
  RETURN_IF_ERROR(CheckSocketPathLength(socket));
  // gRPC does not say why it cannot listen; this is why, nearly always.
  if (::access(socket.parent_path().c_str(), W_OK | X_OK) != 0) {
    return ErrnoStatus(errno,
                       absl::StrCat("cannot make a socket in ", socket.parent_path().string()));
  }
  auto opened = std::unique_ptr<RpcServer>(new RpcServer(std::move(parts)));
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix://" + socket.string(), grpc::InsecureServerCredentials());
  builder.RegisterService(&opened->service_);
  auto queue = builder.AddCompletionQueue();
  opened->server_ = builder.BuildAndStart();
  if (opened->server_ == nullptr) {
    queue->Shutdown();
    return absl::UnavailableError(absl::StrCat("cannot listen on ", socket.string()));
  }
  opened->queue_ = std::make_unique<RpcQueue>(std::move(queue));
  using Service = v1beta1::DevicePlugin::AsyncService;
  const Serving serving{.service = opened->service_,
                        .queue = *opened->queue_,
                        .answers = opened->parts_.answers,
                        .owed = opened->owed_};
  Accept(
      Method<v1beta1::Empty, v1beta1::DevicePluginOptions>{
          nullptr, &Service::RequestGetDevicePluginOptions,
          AtOnce(&Answers::GetDevicePluginOptions)},
      serving);
  Accept(
      Method<v1beta1::PreferredAllocationRequest, v1beta1::PreferredAllocationResponse>{
          "GetPreferredAllocation", &Service::RequestGetPreferredAllocation,
          AtOnce(&Answers::GetPreferredAllocation)},
      serving);
  Accept(
      Method<v1beta1::AllocateRequest, v1beta1::AllocateResponse>{
          "Allocate", &Service::RequestAllocate, AtOnce(&Answers::Allocate)},
      serving);
  Accept(
      Method<v1beta1::PreStartContainerRequest, v1beta1::PreStartContainerResponse>{
          "PreStartContainer", &Service::RequestPreStartContainer,
          [](const Answers& answers, const v1beta1::PreStartContainerRequest& request,
             v1beta1::PreStartContainerResponse*,
             Answers::Done done) { answers.PreStartContainer(request, std::move(done)); }},
      serving);
  ListStream::Accept(opened->service_, *opened->queue_, opened->parts_.board,
                     opened->parts_.stream);
  return opened;
}

RpcServer::~RpcServer() {
  if (server_ == nullptr) return;
  owed_.Settle(absl::UnavailableError("the device plugin stops; ask again when it is back"));
  server_->Shutdown(std::chrono::system_clock::now() + kShutdownLimit);
  queue_->Close();
}

}  // namespace nodedevice
