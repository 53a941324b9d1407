#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "lib/api/kubelet_report.h"
#include "lib/base/directory_watch.h"
#include "lib/base/event_loop.h"
#include "lib/kubelet/paths.h"
#include "plugin/pod_resources_client.h"

namespace nodedevice {

// Follows what the kubelet says about devices: which of them it accepts, and which pods hold them.
// It cannot be subscribed to, so it is asked again: at the start, when its checkpoint changes (it
// is written at each allocation) or its sockets do, 1, 2, 4 ... 15 s after such news, and every 15
// s as the net, since the end of a pod leaves no sign. Hints that come together lead to one look,
// and looks keep a distance: the kubelet answers a hundred questions a second, and others ask too.
//
// Loop thread only.
class PodResourcesObserver {
 public:
  // `on_change` gets the first picture, and then each that differs from the one before.
  PodResourcesObserver(EventLoop& loop, KubeletPaths paths,
                       std::function<void(const KubeletReport&)> on_change);
  ~PodResourcesObserver();

  void Start();

 private:
  void OnHint();
  void Look();
  void OnPicture(KubeletReport picture);
  void LookIn(Duration delay);

  EventLoop& loop_;
  const KubeletPaths paths_;
  const std::function<void(const KubeletReport&)> on_change_;
  std::shared_ptr<PodResourcesObserver*> alive_;  // a picture that comes too late finds null
  std::optional<KubeletReport> last_;
  int same_ = 0;         // looks in a row since a hint that told nothing new
  bool hinted_ = false;  // since the last look began
  TimePoint looked_at_{};
  Timer timer_;
  DirectoryWatch directories_;
  std::unique_ptr<PodResourcesCall> call_;  // the one under way; last: ends before what it uses
};

}  // namespace nodedevice
