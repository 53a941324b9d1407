#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "grpcpp/server.h"
#include "lib/base/event_loop.h"
#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace nodedevice::devicemanager {

// gRPC services on a unix socket whose file is left behind, refusing connections, as the kubelet
// leaves its own: gRPC would unlink it at shutdown, so the socket is ours and gRPC is given the
// connections. Loop thread only; the service is called by gRPC's threads.
class GrpcListener {
 public:
  // Nothing may be at `path`. The services must outlive the listener.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Start(
      EventLoop& loop, const std::filesystem::path& path,
      const std::vector<grpc::Service*>& services);

  // Closes the socket, cancels the calls under way and waits for them to return.
  ~GrpcListener();
  GrpcListener(const GrpcListener&) = delete;
  GrpcListener& operator=(const GrpcListener&) = delete;

 private:
  GrpcListener(EventLoop& loop, UniqueFd socket, std::unique_ptr<grpc::Server> server);
  void Accept();

  UniqueFd socket_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ReadWatch> waiting_;
};

}  // namespace nodedevice::devicemanager
