#pragma once

#include <filesystem>
#include <memory>

#include "grpcpp/server.h"
#include "lib/base/owed_answers.h"
#include "lib/base/status.h"
#include "plugin/answers.h"
#include "plugin/device_board.h"
#include "plugin/list_stream.h"
#include "plugin/rpc_queue.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice {

// The device plugin API of one resource, served on a unix socket by one thread. Opening and closing
// may block for a moment and belong on the worker.
class RpcServer {
 public:
  struct Parts {
    Answers answers;
    DeviceBoard& board;  // must outlive the server
    StreamCallbacks stream;
  };

  // Listens on `socket`, whose file must not exist.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Open(const std::filesystem::path& socket,
                                                         Parts parts);

  // Ends what is open, with at most `kShutdownLimit` of patience for calls that hang in the
  // transport, and removes the socket file. The board's streams should have been closed before.
  ~RpcServer();

 private:
  explicit RpcServer(Parts parts) : parts_(std::move(parts)) {}

  const Parts parts_;
  v1beta1::DevicePlugin::AsyncService service_;
  OwedAnswers owed_;
  std::unique_ptr<RpcQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace nodedevice
