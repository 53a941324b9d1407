#include "plugin/rpc_server.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
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
  absl::Status (Answers::*answer)(const Request&, Reply*) const;
};

// One call of such a method, kept alive by its operations.
template <typename Request, typename Reply>
class UnaryCall : public std::enable_shared_from_this<UnaryCall<Request, Reply>> {
 public:
  // Waits for the next call; each call that begins asks for the next one itself until the server is
  // shut down.
  static void Accept(const Method<Request, Reply>& method,
                     v1beta1::DevicePlugin::AsyncService& service, RpcQueue& queue,
                     const Answers& answers) {
    const auto call = std::make_shared<UnaryCall>();
    (service.*method.request)(&call->context_, &call->request_, &call->writer_, queue.get(),
                              queue.get(),
                              queue.Tag([call, method, &service, &queue, &answers](bool ok) {
                                if (!ok) return;  // the server is shut down
                                Accept(method, service, queue, answers);
                                call->Answer(method, queue, answers);
                              }));
  }

 private:
  void Answer(const Method<Request, Reply>& method, RpcQueue& queue, const Answers& answers) {
    const TimePoint start = Clock::now();
    const absl::Status status = (answers.*method.answer)(request_, &reply_);
    writer_.Finish(reply_, ToGrpc(status), queue.Tag([call = this->shared_from_this()](bool) {}));
    if (method.name != nullptr) answers.Record(method.name, Clock::now() - start, status);
  }

  grpc::ServerContext context_;
  Request request_;
  Reply reply_;
  grpc::ServerAsyncResponseWriter<Reply> writer_{&context_};
};

template <typename Request, typename Reply>
void Accept(const Method<Request, Reply>& method, v1beta1::DevicePlugin::AsyncService& service,
            RpcQueue& queue, const Answers& answers) {
  UnaryCall<Request, Reply>::Accept(method, service, queue, answers);
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
  const auto accept = [&opened](const auto& method) {
    Accept(method, opened->service_, *opened->queue_, opened->parts_.answers);
  };
  accept(Method<v1beta1::Empty, v1beta1::DevicePluginOptions>{
      nullptr, &Service::RequestGetDevicePluginOptions, &Answers::GetDevicePluginOptions});
  accept(Method<v1beta1::PreferredAllocationRequest, v1beta1::PreferredAllocationResponse>{
      "GetPreferredAllocation", &Service::RequestGetPreferredAllocation,
      &Answers::GetPreferredAllocation});
  accept(Method<v1beta1::AllocateRequest, v1beta1::AllocateResponse>{
      "Allocate", &Service::RequestAllocate, &Answers::Allocate});
  accept(Method<v1beta1::PreStartContainerRequest, v1beta1::PreStartContainerResponse>{
      "PreStartContainer", &Service::RequestPreStartContainer, &Answers::PreStartContainer});
  ListStream::Accept(opened->service_, *opened->queue_, opened->parts_.board,
                     opened->parts_.stream);
  return opened;
}

RpcServer::~RpcServer() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + kShutdownLimit);
  queue_->Close();
}

}  // namespace nodedevice
