#include "plugin/pod_resources_observer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "plugin/trim_memory.h"

namespace nodedevice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// An allocation writes the checkpoint before its pod is in the kubelet's list.
constexpr Duration kMerge = milliseconds(100);
constexpr Duration kDistance = milliseconds(500);
// Until the next look without a hint: short after news, since more may follow that leaves no sign,
// such as a plugin's list after its registration, or a kubelet that begins to answer.
constexpr Backoff kPause{.first = seconds(1), .limit = seconds(15)};
// This process is there on every node and mostly idle.
constexpr std::size_t kKept = 256u << 10;

}  // namespace

PodResourcesObserver::PodResourcesObserver(EventLoop& loop, KubeletPaths paths,
                                           std::function<void(const KubeletReport&)> on_change)
    : loop_(loop),
      paths_(std::move(paths)),
      on_change_(std::move(on_change)),
      alive_(std::make_shared<PodResourcesObserver*>(this)),
      timer_(loop, [this] { Look(); }),
      directories_(loop, [this] { OnHint(); }) {}

PodResourcesObserver::~PodResourcesObserver() { *alive_ = nullptr; }

void PodResourcesObserver::Start() { Look(); }

void PodResourcesObserver::OnHint() {
  same_ = 0;
  if (std::exchange(hinted_, true) || call_ != nullptr) return;
  LookIn(kMerge);
}

void PodResourcesObserver::Look() {
  if (call_ != nullptr) return;
  hinted_ = false;
  looked_at_ = Clock::now();
  // Watch before looking: what changes in between is hinted at. A failure leaves the net.
  const absl::Status watching =
      directories_.Watch({paths_.device_plugins(), paths_.pod_resources()});
  if (!watching.ok()) spdlog::debug("{}", std::string(watching.message()));
  call_ = std::make_unique<PodResourcesCall>(
      paths_, [&loop = loop_, alive = alive_](KubeletReport picture) {
        loop.Post([alive, picture = std::move(picture)]() mutable {
          if (*alive != nullptr) (*alive)->OnPicture(std::move(picture));
        });
      });
}

void PodResourcesObserver::OnPicture(KubeletReport picture) {
  call_.reset();
  if (picture != last_) {
    same_ = 0;
    on_change_(picture);
    last_ = std::move(picture);
  }
  ++same_;
  if (hinted_) {
    LookIn(kMerge);
  } else {
    timer_.After(kPause.After(same_));
  }
  TrimMemory(kKept);
}

void PodResourcesObserver::LookIn(Duration delay) {
  timer_.At(std::max(Clock::now() + delay, looked_at_ + kDistance));
}

}  // namespace nodedevice
