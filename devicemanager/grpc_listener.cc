#include "devicemanager/grpc_listener.h"

#include <sys/socket.h>

#include <chrono>
#include <utility>

#include "devicemanager/unix_socket.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_posix.h"
#include "lib/base/log.h"

namespace nodedevice::devicemanager {

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Start(
    EventLoop& loop, const std::filesystem::path& path,
    const std::vector<grpc::Service*>& services) {
  grpc::ServerBuilder builder;
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) return absl::InternalError(absl::StrCat("gRPC cannot serve on ", path.native()));
  ASSIGN_OR_RETURN(UniqueFd socket, ListenUnix(path));
  return std::unique_ptr<GrpcListener>(
      new GrpcListener(loop, std::move(socket), std::move(server)));
}

GrpcListener::GrpcListener(EventLoop& loop, UniqueFd socket, std::unique_ptr<grpc::Server> server)
    : socket_(std::move(socket)),
      server_(std::move(server)),
      waiting_(std::make_unique<ReadWatch>(loop, socket_.get(), [this] { Accept(); })) {}

GrpcListener::~GrpcListener() {
  waiting_.reset();
  socket_.Reset();
  server_->Shutdown(std::chrono::system_clock::now());
}

void GrpcListener::Accept() {
  for (;;) {
    absl::StatusOr<UniqueFd> connection = AcceptUnix(socket_, SOCK_NONBLOCK);
    if (!connection.ok()) {
      if (!absl::IsUnavailable(connection.status())) {
        spdlog::warn("{}", std::string(connection.status().message()));
      }
      return;
    }
    grpc::AddInsecureChannelFromFd(server_.get(), connection->Release());
  }
}

}  // namespace nodedevice::devicemanager
