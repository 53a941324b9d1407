#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "lib/base/status.h"

namespace nodedevice {

// The answers that a server owes its callers while somebody works on them. Each is given once: by
// whoever was asked, or by Settle() when the server ends before. Thread-safe.
class OwedAnswers {
 public:
  using Give = std::function<void(const absl::Status&)>;

  // Returns what gives the answer by `give`: it may be called on any thread, more than once, and
  // after this object is gone; only the first call that comes before Settle() does anything.
  Give Owe(Give give);

  // Gives `status` for all that are owed. When it returns, none is being given any more, and none
  // will be: one that is owed later is given at once, with the same status.
  void Settle(const absl::Status& status);

 private:
  struct State {
    std::mutex mutex;
    std::uint64_t last = 0;                  // guarded by mutex
    std::map<std::uint64_t, Give> owed;      // guarded by mutex
    std::optional<absl::Status> settlement;  // guarded by mutex
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace nodedevice
