#include "plugin/list_stream.h"

#include <utility>

namespace nodedevice {

v1beta1::ListAndWatchResponse ToWire(const Announcement& announcement) {
  v1beta1::ListAndWatchResponse list;
  if (announcement.withdrawn) return list;
  for (const auto& [id, device] : announcement.devices) {
    for (int replica = 0; replica < announcement.replicas; ++replica) {
      v1beta1::Device* wire = list.add_devices();
      wire->set_id(ReplicaId(id, replica, announcement.replicas));
      wire->set_health(device.healthy() ? "Healthy" : "Unhealthy");
      for (const int node : device.numa_nodes) wire->mutable_topology()->add_nodes()->set_id(node);
    }
  }
  return list;
}

void ListStream::Accept(v1beta1::DevicePlugin::AsyncService& service, RpcQueue& queue,
                        DeviceBoard& board, const StreamCallbacks& callbacks) {
  const auto stream = std::make_shared<ListStream>(queue, board, callbacks);
  stream->context_.AsyncNotifyWhenDone(stream->over_.tag());
  service.RequestListAndWatch(&stream->context_, &stream->request_, &stream->writer_, queue.get(),
                              queue.get(), queue.Tag([stream, &service, &queue, &board](bool ok) {
                                if (!ok) return;  // the server is shut down
                                Accept(service, queue, board, stream->callbacks_);
                                stream->Begin();
                              }));
}

ListStream::ListStream(RpcQueue& queue, DeviceBoard& board, StreamCallbacks callbacks)
    : queue_(queue),
      board_(board),
      callbacks_(std::move(callbacks)),
      writer_(&context_),
      over_([this] { OnCallOver(); }) {}

void ListStream::Begin() {
  self_ = shared_from_this();
  queue_.Expect();
  callbacks_.on_opened();
  board_.Join(self_);
}

void ListStream::OnEnd() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  Continue();
}

// Writes the newest list unless one is under way or it was sent already.
void ListStream::Continue() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (writing_ || finished_) return;
  const std::uint64_t version = board_.version();
  if (broken_ || sent_ == version) {
    if (!ending_) return;
    finished_ = true;
    writer_.Finish(grpc::Status::OK, queue_.Tag([stream = shared_from_this()](bool) {}));
    return;
  }
  const auto announcement = board_.Current();
  sent_ = version;
  writing_ = true;
  writer_.Write(ToWire(*announcement),
                queue_.Tag([stream = shared_from_this(), empty = announcement->withdrawn](bool ok) {
                  stream->OnWritten(ok, empty);
                }));
}

void ListStream::OnWritten(bool ok, bool empty) {
  if (ok) callbacks_.on_list_sent(empty);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    writing_ = false;
    if (!ok) broken_ = ending_ = true;
  }
  Continue();
}

void ListStream::OnCallOver() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    broken_ = ending_ = true;
  }
  Continue();  // unless a write is under way: it fails, and then the call is finished
  board_.Leave(self_);
  callbacks_.on_closed();
  self_.reset();
}

}  // namespace nodedevice
