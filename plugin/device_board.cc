#include "plugin/device_board.h"

#include <memory>
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

// One ListAndWatch call. The board holds it until gRPC is done with it. All of its state is guarded
// by the board's mutex; StartWrite and Finish are called outside it, by the one thread that set
// `writing_` or `finished_`, so that neither can come after Finish.
class DeviceBoard::Stream : public grpc::ServerWriteReactor<v1beta1::ListAndWatchResponse>,
                            public std::enable_shared_from_this<Stream> {
 public:
  Stream(DeviceBoard& board, std::uint64_t generation) : board_(board), generation_(generation) {}

  // Writes the newest list unless one is under way or it was sent already.
  void Continue() {
    bool end = false;
    {
      const std::lock_guard<std::mutex> lock(board_.mutex_);
      if (writing_ || finished_) return;
      if (sent_ == board_.version_ || broken_) {
        if (!ending_) return;
        finished_ = end = true;
      } else {
        sent_ = board_.version_;
        writing_ = true;
      }
    }
    if (end) {
      Finish(grpc::Status::OK);
      return;
    }
    const auto announcement = board_.Current();
    empty_ = announcement->withdrawn;
    list_ = ToWire(*announcement);
    StartWrite(&list_);
  }

  void End() {
    {
      const std::lock_guard<std::mutex> lock(board_.mutex_);
      ending_ = true;
    }
    Continue();
  }

  void OnWriteDone(bool ok) override {
    if (ok) board_.callbacks_.on_list_sent(generation_, empty_);
    list_ = {};  // thousands of devices need not stay in memory
    {
      const std::lock_guard<std::mutex> lock(board_.mutex_);
      writing_ = false;
      if (!ok) broken_ = ending_ = true;
    }
    Continue();
  }

  void OnCancel() override {
    {
      const std::lock_guard<std::mutex> lock(board_.mutex_);
      broken_ = ending_ = true;
    }
    Continue();  // a write that is under way fails and then finishes the call
  }

  void OnDone() override {
    const std::shared_ptr<Stream> self = shared_from_this();
    {
      const std::lock_guard<std::mutex> lock(board_.mutex_);
      board_.streams_.erase(self);
    }
    board_.callbacks_.on_stream_closed(generation_);
  }

 private:
  DeviceBoard& board_;
  const std::uint64_t generation_;
  std::uint64_t sent_ = 0;  // version
  bool writing_ = false;
  bool ending_ = false;    // finish once nothing is left to send
  bool broken_ = false;    // nothing can be sent any more
  bool finished_ = false;  // Finish was called
  bool empty_ = false;     // of the list under way; only its writer touches these two
  v1beta1::ListAndWatchResponse list_;
};

DeviceBoard::~DeviceBoard() = default;

void DeviceBoard::Publish(Announcement announcement) {
  current_.Set(std::move(announcement));
  for (const auto& stream : Streams([this] { ++version_; })) stream->Continue();
}

grpc::ServerWriteReactor<v1beta1::ListAndWatchResponse>* DeviceBoard::OpenStream(
    std::uint64_t generation) {
  const auto stream = std::make_shared<Stream>(*this, generation);
  bool closed = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    streams_.insert(stream);
    closed = closed_;
  }
  callbacks_.on_stream_opened(generation);
  if (closed) {
    stream->End();
  } else {
    stream->Continue();
  }
  return stream.get();
}

void DeviceBoard::CloseStreams() {
  for (const auto& stream : Streams([this] { closed_ = true; })) stream->End();
}

std::set<std::shared_ptr<DeviceBoard::Stream>> DeviceBoard::Streams(
    const std::function<void()>& change) {
  const std::lock_guard<std::mutex> lock(mutex_);
  change();
  return streams_;
}

void DeviceBoard::Reopen() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = false;
}

}  // namespace nodedevice
