#include "plugin/device_board.h"

#include <utility>

namespace nodedevice {

// Readers are told outside the lock, from a copy of the set: what they do may lead back here.

void DeviceBoard::Publish(Announcement announcement) {
  current_.Set(std::move(announcement));
  Readers readers;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++version_;
    readers = readers_;
  }
  for (const auto& reader : readers) reader->OnNews();
}

std::uint64_t DeviceBoard::version() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return version_;
}

void DeviceBoard::Join(const std::shared_ptr<Reader>& reader) {
  bool closed = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    readers_.insert(reader);
    closed = closed_;
  }
  reader->OnNews();
  if (closed) reader->OnEnd();
}

void DeviceBoard::Leave(const std::shared_ptr<Reader>& reader) {
  const std::lock_guard<std::mutex> lock(mutex_);
  readers_.erase(reader);
}

void DeviceBoard::CloseStreams() {
  Readers readers;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    readers = readers_;
  }
  for (const auto& reader : readers) reader->OnEnd();
}

void DeviceBoard::Reopen() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = false;
}

}  // namespace nodedevice
