#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "lib/base/event_loop.h"
#include "lib/base/unique_fd.h"

namespace nodedevice {

// Says "look again" when an entry appears in, vanishes from or is changed in one of a set of
// directories (inotify). A hint only: events are merged, and what happened must be read from the
// directory itself. A directory that does not exist is stood in for by its nearest existing parent,
// so its creation is a hint too. Losing events (queue overflow) is a hint as well.
//
// Loop thread only. Watch before you look: entries that appear in between are then hinted at.
class DirectoryWatch {
 public:
  enum class Events {
    kNames,       // entries appear and vanish
    kAllChanges,  // also: their content or attributes change
  };

  DirectoryWatch(EventLoop& loop, std::function<void()> on_hint,
                 Events events = Events::kAllChanges);
  ~DirectoryWatch();

  // Replaces the watched set. Call it again after each hint: directories come and go. Fails only
  // when the kernel has no inotify instance or watch left (the caller then relies on its rescan).
  absl::Status Watch(const std::set<std::filesystem::path>& directories);

 private:
  void Drain();

  std::function<void()> on_hint_;
  std::uint32_t mask_;
  UniqueFd inotify_;
  std::map<std::filesystem::path, int> watched_;  // existing directory -> watch descriptor
  std::unique_ptr<ReadWatch> readable_;
};

}  // namespace nodedevice
