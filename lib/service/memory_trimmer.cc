#include "lib/service/memory_trimmer.h"

#include <malloc.h>

namespace nodedevice {
namespace {

constexpr Backoff kPause = {.first = std::chrono::seconds(10), .limit = std::chrono::minutes(10)};

}  // namespace

MemoryTrimmer::MemoryTrimmer(EventLoop& loop) : timer_(loop, [this] { Trim(); }) { Wait(); }

void MemoryTrimmer::Trim() {
  ::malloc_trim(0);
  Wait();
}

void MemoryTrimmer::Wait() { timer_.After(kPause.After(++trims_)); }

}  // namespace nodedevice
