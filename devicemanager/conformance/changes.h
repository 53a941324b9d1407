#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "lib/base/clock.h"

namespace nodedevice::devicemanager::conformance {

// Where the player waits for facts. Who changes one says so; what happens without a word, such as a
// file that goes, is looked for every few milliseconds. Thread-safe.
class Changes {
 public:
  // Something is different now.
  void Notify();

  // Every wait ends from now on, with false: somebody stopped the run.
  void Interrupt();
  bool interrupted() const;

  // Waits until `fact` holds. False when it does not after `limit`, or when interrupted. `fact` is
  // called on this thread, without a lock.
  bool WaitFor(const std::function<bool()>& fact, Duration limit);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t version_ = 0;  // guarded by mutex_
  bool interrupted_ = false;   // guarded by mutex_
};

}  // namespace nodedevice::devicemanager::conformance
