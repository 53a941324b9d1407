#include "lib/base/directory_watch.h"

#include <sys/inotify.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace nodedevice {
namespace {

constexpr std::uint32_t kNameEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                      IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// Not asked for in /dev: every write to /dev/null would be a hint.
constexpr std::uint32_t kChangeEvents = IN_ATTRIB | IN_CLOSE_WRITE;

std::filesystem::path NearestExisting(std::filesystem::path directory) {
  std::error_code error;
  while (directory.has_relative_path() && !std::filesystem::is_directory(directory, error)) {
    directory = directory.parent_path();
  }
  return directory.empty() ? "." : directory;
}

}  // namespace

DirectoryWatch::DirectoryWatch(EventLoop& loop, std::function<void()> on_hint, Events events)
    : on_hint_(std::move(on_hint)),
      mask_(events == Events::kNames ? kNameEvents : kNameEvents | kChangeEvents),
      inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (inotify_) {
    readable_ = std::make_unique<ReadWatch>(loop, inotify_.get(), [this] { Drain(); });
  }
}

DirectoryWatch::~DirectoryWatch() = default;

absl::Status DirectoryWatch::Watch(const std::set<std::filesystem::path>& directories) {
  if (!inotify_)
    return absl::ResourceExhaustedError("no inotify instance (fs.inotify.max_user_instances)");
  absl::Status result;
  std::map<std::filesystem::path, int> next;
  for (const std::filesystem::path& directory : directories) {
    // Adding a watch that exists gives the same descriptor. It is done every time: the directory
    // may have been replaced by another one of the same name.
    for (int attempt = 0; attempt < 3; ++attempt) {
      const std::filesystem::path existing = NearestExisting(directory);
      const int descriptor = ::inotify_add_watch(inotify_.get(), existing.c_str(), mask_);
      if (descriptor >= 0) {
        next[existing] = descriptor;
        // Created between the look and the watch: stand closer.
        if (existing == directory || NearestExisting(directory) == existing) break;
      } else if (errno != ENOENT && errno != ENOTDIR) {
        result = ErrnoStatus(errno, absl::StrCat("cannot watch ", existing.string()));
        break;
      }
    }
  }
  std::set<int> kept;
  for (const auto& [path, descriptor] : next) kept.insert(descriptor);
  for (const auto& [path, descriptor] : watched_) {
    if (!kept.contains(descriptor)) ::inotify_rm_watch(inotify_.get(), descriptor);
  }
  watched_ = std::move(next);
  return result;
}

void DirectoryWatch::Drain() {
  alignas(inotify_event) char buffer[4096];
  bool any = false;
  while (::read(inotify_.get(), buffer, sizeof(buffer)) > 0) any = true;
  if (any) on_hint_();
}

}  // namespace nodedevice
