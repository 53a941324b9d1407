#pragma once

#include "lib/base/backoff.h"
#include "lib/base/event_loop.h"

namespace nodedevice {

// Gives the kernel back what a start, or a large answer, needed for a moment: soon after the start,
// then less and less often. Loop thread only.
class MemoryTrimmer {
 public:
  explicit MemoryTrimmer(EventLoop& loop);

 private:
  void Trim();
  void Wait();

  int trims_ = 0;
  Timer timer_;
};

}  // namespace nodedevice
