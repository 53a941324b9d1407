#include "lib/kubelet/kubelet_watch.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include "lib/base/backoff.h"

namespace nodedevice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kNet = seconds(5);
// Between bind() and listen() lie microseconds, between a stale socket and a new kubelet minutes.
constexpr Backoff kRefused{.first = milliseconds(2), .limit = seconds(1)};

}  // namespace

KubeletWatch::KubeletWatch(EventLoop& loop, KubeletPaths paths, Callbacks callbacks)
    : paths_(std::move(paths)),
      callbacks_(std::move(callbacks)),
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
  if (!seen.identity) {
    std::error_code error;
    problem_ =
        std::filesystem::is_directory(paths_.device_plugins(), error)
            ? absl::StrCat(paths_.registration_socket().string(), " does not exist")
            : absl::StrCat("the folder ", paths_.device_plugins().string(), " does not exist");
  } else if (const absl::Status status = Connects(paths_.registration_socket()); status.ok()) {
    seen.answers = true;
  } else {
    problem_ = std::string(status.message());
  }
  if (!watching.ok() && !problem_.empty()) absl::StrAppend(&problem_, "; ", watching.message());
  refusals_ = seen.identity && !seen.answers ? refusals_ + 1 : 0;
  timer_.After(refusals_ > 0 ? kRefused.After(refusals_) : kNet);
  const std::optional<Transition> transition = tracker_.Observe(seen);
  if (transition && callbacks_.on_transition) callbacks_.on_transition(*transition);
  if (callbacks_.on_look) callbacks_.on_look();
}

}  // namespace nodedevice
