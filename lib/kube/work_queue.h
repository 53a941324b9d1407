#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"

namespace nodedevice {

// Which key to work on next (contracts/openshift.md 2.2). A key names an object; what is to be done
// about it is found out by looking at it, so that a key is wanted or not, never twice:
//
//   Add, AddAfter -> Take -> work -> Done(kSuccess): forgotten, unless it was wanted meanwhile
//                                    Done(kFailure): comes back after 5, 10, 20 ms ... 1000 s
//
// A key is worked on by at most one worker at a time: one that is wanted while it is worked on
// comes back after Done. Keys that come back after failures come, all together, no faster than 10 a
// second after a burst of 100; keys that are added wait for nothing. First come, first served. A
// key that nobody wants takes no memory.
//
// Pure, and of one thread: several workers take their turns there.
class WorkQueue {
 public:
  enum class Outcome { kSuccess, kFailure };

  static constexpr Backoff kBackoff = {.first = std::chrono::milliseconds(5),
                                       .limit = std::chrono::seconds(1000)};
  static constexpr int kBurst = 100;
  static constexpr Duration kRefill = std::chrono::milliseconds(100);  // one more retry

  // Now, though it waits to be tried again.
  void Add(const std::string& key);
  // At `when`, or earlier when that was wanted before. Being taken at `when` or later is enough.
  void AddAfter(const std::string& key, TimePoint when);

  // What to work on; its Done() must come. nullopt: nothing, or not yet.
  std::optional<std::string> Take(TimePoint now);
  // Ignored for a key that is not worked on.
  void Done(const std::string& key, Outcome outcome, TimePoint now);

  // When Take() will have something; nullopt: not before Add(), AddAfter() or Done().
  std::optional<TimePoint> NextDeadline(TimePoint now) const;

  // Whether it is to be taken, worked on, or waits for its time.
  bool Knows(const std::string& key) const { return rows_.contains(key); }
  // How many keys can be taken, but for those whose time has come since the last Take().
  std::size_t depth() const { return ready_.size(); }
  // How many keys are known: to be taken, worked on, or waiting for their time.
  std::size_t size() const { return rows_.size(); }

 private:
  // A key is in one of three places.
  enum class Place { kReady, kWorkedOn, kWaiting };
  struct Row {
    Place place = Place::kWaiting;
    bool wanted_again = false;          // worked on: by Add()
    std::optional<TimePoint> add_at;    // by AddAfter()
    std::optional<TimePoint> retry_at;  // after a failure
    int failures = 0;                   // in a row
  };
  using Rows = std::map<std::string, Row>;

  static std::optional<TimePoint> DueAt(const Row& row);
  void MakeReady(Rows::iterator row);
  void MakeWaiting(Rows::iterator row);
  void StopWaiting(Rows::iterator row);
  // When the next retry may be, as far as all of them together are concerned.
  TimePoint ReserveRetry(TimePoint now);

  Rows rows_;
  std::deque<std::string> ready_;                        // in the order in which they became so
  std::set<std::pair<TimePoint, std::string>> waiting_;  // by when they are due
  // When the bucket will be full again: each retry moves it on by kRefill.
  TimePoint full_at_;
};

}  // namespace nodedevice
