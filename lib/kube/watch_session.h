#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "lib/kube/watch_frames.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Follows one collection of the API, by list and watch (contracts/openshift.md 2.4): decides when
// to list, when to watch from where, how long to wait, and what has changed. Pure: whoever owns it
// performs the actions in order and tells it what comes of them.
//
//   List -> Listed -> Watch -> Opened -> Received* -> Ended -> Watch from the last version seen ...
//                                              410 -> List (what is missing there was removed),
//                                              after a pause if that was the first word since one
//   any other failure: wait 0.8, 1.6 ... 30 s and up to as much again, then go on where it was;
//   404 (no such kind): ask again after 30 to 60 s
//
// A watch that the server does not accept within a minute, or that it does not close when it should
// have, is given up: the other end is gone, and nobody said so.
//
// At most one list or one stream is in flight. What is known outlives every failure: an object is
// removed only when the server says so, by an event or by a list without it.
class WatchSession {
 public:
  // What happens.
  struct Listed {
    nlohmann::json list;  // {"metadata": {"resourceVersion": ...}, "items": [...]}, every page
  };
  struct ListFailed {
    absl::Status status;
  };
  struct Opened {};  // the server has accepted the watch
  struct Received {
    std::string bytes;  // of the stream that is open
  };
  struct Ended {
    absl::Status status;  // OK: the server closed the stream, as it does after its time
  };
  struct DeadlinePassed {};
  using Event = std::variant<Listed, ListFailed, Opened, Received, Ended, DeadlinePassed>;

  // What to do.
  struct List {
    std::string resource_version;  // "0": whatever the server has at hand; "": the newest
    bool operator==(const List&) const = default;
  };
  struct Watch {
    std::string resource_version;
    std::chrono::seconds timeout;  // after which the server closes the stream
    bool operator==(const Watch&) const = default;
  };
  struct CloseStream {  // and tell nothing more of it
    bool operator==(const CloseStream&) const = default;
  };
  struct Upsert {  // new, or with another resourceVersion than before
    std::string key;
    nlohmann::json object;
    bool operator==(const Upsert&) const = default;
  };
  struct Remove {
    std::string key;  // "name" or "namespace/name"
    bool operator==(const Remove&) const = default;
  };
  // A list has been told completely: what is known is what there is.
  struct Synced {
    bool operator==(const Synced&) const = default;
  };
  using Action = std::variant<List, Watch, CloseStream, Upsert, Remove, Synced>;

  // `seed`: of the random part of pauses, so that a thousand nodes do not come back at once.
  // `first`: the resourceVersion of the first list. "0" is the cheapest, and comes in one piece;
  // "", the newest, comes in pages.
  explicit WatchSession(std::uint32_t seed, std::string first = "0")
      : random_(seed), first_version_(std::move(first)) {}

  std::vector<Action> Start(TimePoint now);
  std::vector<Action> Handle(Event event, TimePoint now);

  // When DeadlinePassed is due.
  std::optional<TimePoint> NextDeadline() const { return deadline_; }

  // Why what is known may be old; OK from a list or an open stream on, until something fails.
  const absl::Status& problem() const { return problem_; }

 private:
  enum class Phase { kListing, kWatching, kWaiting };
  struct Known {
    std::string uid;
    std::string resource_version;
  };

  void On(Listed& event, TimePoint now);
  void On(const ListFailed& event, TimePoint now);
  void On(const Opened& event, TimePoint now);
  void On(const Received& event, TimePoint now);
  void On(const Ended& event, TimePoint now);
  void On(const DeadlinePassed& event, TimePoint now);

  void BeginList(std::string resource_version);
  void BeginWatch(TimePoint now);
  void BeWell(TimePoint now);
  void Wait(const absl::Status& why, TimePoint now);
  // Closes the stream for what came on it, or did not.
  void Abandon(const absl::Status& why, TimePoint now);
  // Where it was in the history is gone.
  void ListAnew(const absl::Status& why, TimePoint now);
  // False when the frame ended the stream.
  bool Take(const WatchFrame& frame, TimePoint now);
  void Learn(nlohmann::json object);
  double Random() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  std::minstd_rand random_;
  std::string first_version_;
  std::vector<Action> actions_;  // of the event that is handled
  Phase phase_ = Phase::kListing;
  std::optional<TimePoint> deadline_;
  absl::Status problem_;
  std::map<std::string, Known> known_;
  std::string resource_version_;  // to go on from; empty: list first
  std::string list_version_;      // of the list in flight
  std::optional<TimePoint> listed_at_;
  bool list_next_ = true;  // after the pause; else watch
  WatchFrames frames_;
  bool stream_opened_ = false;
  std::chrono::seconds stream_timeout_ = {};  // after which the server closes it
  TimePoint stream_began_;
  bool stream_said_something_ = false;
  bool stream_tests_list_ = false;  // it is the first since a list, and has not gone on from it
  int failures_ = 0;                // in a row
  std::optional<TimePoint> well_since_;  // since when nothing has failed
};

}  // namespace nodedevice
