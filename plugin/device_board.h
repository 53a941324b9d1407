#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "lib/base/published.h"
#include "plugin/announcement.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice {

// Where the newest announcement of one resource hangs: the event loop publishes, gRPC's threads
// read it and stream it to the kubelet. Thread-safe.
//
// A stream has at most one list under way and then sends the newest, so a slow kubelet gets fewer
// lists, never an old one. The callbacks run on gRPC's threads and must only post.
class DeviceBoard {
 public:
  struct Callbacks {
    std::function<void(std::uint64_t generation)> on_stream_opened;
    std::function<void(std::uint64_t generation)> on_stream_closed;
    // A list was handed to the transport; `empty` says that it was the last one of a withdrawal.
    std::function<void(std::uint64_t generation, bool empty)> on_list_sent;
  };

  DeviceBoard(int replicas, Callbacks callbacks)
      : callbacks_(std::move(callbacks)),
        current_({.devices = {}, .replicas = replicas, .withdrawn = false}) {}
  ~DeviceBoard();

  void Publish(Announcement announcement);
  Latest<Announcement> Current() const { return current_.Get(); }

  // The reactor of one ListAndWatch call on the server of this generation.
  grpc::ServerWriteReactor<v1beta1::ListAndWatchResponse>* OpenStream(std::uint64_t generation);

  // Ends all streams after the list that is under way. New ones end at once, until Reopen().
  void CloseStreams();
  void Reopen();

 private:
  class Stream;

  // Makes a change under the lock and returns the streams to tell. They are shared: gRPC may be
  // done with one at any moment.
  std::set<std::shared_ptr<Stream>> Streams(const std::function<void()>& change);

  Callbacks callbacks_;
  Published<Announcement> current_;
  std::mutex mutex_;
  std::uint64_t version_ = 1;                  // guarded by mutex_
  bool closed_ = false;                        // guarded by mutex_
  std::set<std::shared_ptr<Stream>> streams_;  // guarded by mutex_
};

// The wire form of an announcement.
v1beta1::ListAndWatchResponse ToWire(const Announcement& announcement);

}  // namespace nodedevice
