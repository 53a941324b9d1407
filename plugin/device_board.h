#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>

#include "lib/base/published.h"
#include "plugin/announcement.h"

namespace nodedevice {

// Where the newest announcement of one resource hangs: the event loop publishes, gRPC's thread
// reads it and streams it to the kubelet. Thread-safe.
class DeviceBoard {
 public:
  // One open stream. Both functions may be called on any thread and must not wait.
  class Reader {
   public:
    virtual ~Reader() = default;
    // There is something newer than before.
    virtual void OnNews() = 0;
    // Nothing will follow: end after the newest list.
    virtual void OnEnd() = 0;
  };

  explicit DeviceBoard(int replicas)
      : current_({.devices = {}, .replicas = replicas, .withdrawn = false}) {}

  void Publish(Announcement announcement);
  Latest<Announcement> Current() const { return current_.Get(); }
  // Grows with every Publish(). Whoever reads it first and then Current() may get something newer,
  // and never something older.
  std::uint64_t version() const;

  // Tells a reader of news until it leaves. One that joins a closed board is told to end.
  void Join(const std::shared_ptr<Reader>& reader);
  void Leave(const std::shared_ptr<Reader>& reader);

  // Ends all readers, and those that join until Reopen().
  void CloseStreams();
  void Reopen();

 private:
  using Readers = std::set<std::shared_ptr<Reader>>;

  Published<Announcement> current_;
  mutable std::mutex mutex_;
  std::uint64_t version_ = 1;  // guarded by mutex_
  bool closed_ = false;        // guarded by mutex_
  Readers readers_;            // guarded by mutex_
};

}  // namespace nodedevice
