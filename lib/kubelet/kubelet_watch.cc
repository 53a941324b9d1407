#include "lib/kubelet/kubelet_watch.h"

#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "lib/base/backoff.h"

namespace nodedevice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Between bind() and listen() lie microseconds, between a stale socket and a new kubelet minutes.
constexpr Backoff kRefused{.first = milliseconds(2), .limit = seconds(1)};

// What is at the place of the folder.
enum class Folder { kThere, kMissing, kRemoved };
Folder LookAt(const std::filesystem::path& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return Folder::kMissing;
  return info.st_nlink == 0 ? Folder::kRemoved : Folder::kThere;
}

// Why there is no kubelet.sock, and what helps.
std::string Describe(Folder folder, const KubeletPaths& paths) {
  switch (folder) {
    case Folder::kThere:
      return absl::StrCat(paths.registration_socket().string(),
                          " does not exist; the kubelet makes it when it starts");
    case Folder::kMissing:
      return absl::StrCat("the folder ", paths.device_plugins().string(),
                          " does not exist; the kubelet makes it when it starts");
    case Folder::kRemoved:
      return absl::StrCat("the folder ", paths.device_plugins().string(),
                          " was removed from the node, and only its mount is left here");
  }
  return "";
}

}  // namespace

KubeletWatch::KubeletWatch(EventLoop& loop, KubeletPaths paths, Callbacks callbacks,
                           Duration net_while_up)
    : paths_(std::move(paths)),
      callbacks_(std::move(callbacks)),
      net_while_up_(net_while_up),
      directory_(
          loop, [this] { Look(); }, DirectoryWatch::Events::kNames),
      timer_(loop, [this] { Look(); }) {}

void KubeletWatch::Start() { Look(); }

void KubeletWatch::Look() {
  // Watch before looking: what appears in between is hinted at. A failure leaves the net.
  const absl::Status watching = directory_.Watch({paths_.device_plugins()});
  SocketObservation seen;
  seen.identity = ReadSocketIdentity(paths_.registration_socket());
  problem_.clear();
  folder_lost_ = false;
  if (!seen.identity) {
    const Folder folder = LookAt(paths_.device_plugins());
    folder_lost_ = folder == Folder::kRemoved;
    problem_ = Describe(folder, paths_);
  } else if (const absl::Status status = Connects(paths_.registration_socket()); status.ok()) {
    seen.answers = true;
  } else {
    problem_ = std::string(status.message());
  }
  if (!watching.ok() && !problem_.empty()) absl::StrAppend(&problem_, "; ", watching.message());
  refusals_ = seen.identity && !seen.answers ? refusals_ + 1 : 0;
  if (refusals_ > 0) {
    timer_.After(kRefused.After(refusals_));
  } else {
    timer_.After(seen.answers && watching.ok() ? net_while_up_ : kNet);
  }
  const std::optional<Transition> transition = tracker_.Observe(seen);
  if (transition && callbacks_.on_transition) callbacks_.on_transition(*transition);
  if (callbacks_.on_look) callbacks_.on_look();
}

}  // namespace nodedevice
