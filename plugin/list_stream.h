#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "plugin/device_board.h"
#include "plugin/rpc_queue.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice {

// The wire form of an announcement.
v1beta1::ListAndWatchResponse ToWire(const Announcement& announcement);

// What a stream tells. All run on the queue's thread or the loop's and must only post.
struct StreamCallbacks {
  std::function<void()> on_opened;
  std::function<void()> on_closed;
  // A list was handed to the transport; `empty`: the last one of a withdrawal.
  std::function<void(bool empty)> on_list_sent;
};

// One ListAndWatch call. It has at most one list under way and then sends the newest, so a slow
// kubelet gets fewer lists, never an old one. Thread-safe; kept alive by its operations.
class ListStream : public DeviceBoard::Reader, public std::enable_shared_from_this<ListStream> {
 public:
  // Waits for the next call of ListAndWatch; each call that begins asks for the next one itself
  // until the server is shut down. `board` must outlive the queue's Close().
  static void Accept(v1beta1::DevicePlugin::AsyncService& service, RpcQueue& queue,
                     DeviceBoard& board, const StreamCallbacks& callbacks);

  ListStream(RpcQueue& queue, DeviceBoard& board, StreamCallbacks callbacks);

  void OnNews() override { Continue(); }
  void OnEnd() override;

 private:
  void Begin();
  void Continue();
  void OnWritten(bool ok, bool empty);
  void OnCallOver();

  RpcQueue& queue_;
  DeviceBoard& board_;
  const StreamCallbacks callbacks_;
  grpc::ServerContext context_;
  v1beta1::Empty request_;
  grpc::ServerAsyncWriter<v1beta1::ListAndWatchResponse> writer_;
  RpcQueue::Watcher over_;            // the call ended, by us or by the kubelet
  std::shared_ptr<ListStream> self_;  // while gRPC may still run `over_`

  std::mutex mutex_;
  std::uint64_t sent_ = 0;  // version; guarded by mutex_, as all below
  bool writing_ = false;    // a list is under way
  bool ending_ = false;     // finish once nothing is left to send
  bool broken_ = false;     // nothing can be sent any more
  bool finished_ = false;   // Finish was called
};

}  // namespace nodedevice
