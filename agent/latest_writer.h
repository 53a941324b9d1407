#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Keeps one object of a server equal to the newest of many versions: says when to write what. One
// write at a time, the newest version wins, equal versions are written once, a fidgeting one no
// faster than the server should bear, and a failure is tried again after 1, 2, 4 ... 60 s and up to
// as much again. Pure.
class LatestWriter {
 public:
  static constexpr int kBurst = 5;
  static constexpr Duration kRefill = std::chrono::seconds(5);  // one more write

  explicit LatestWriter(std::uint32_t seed) : random_(seed) {}

  // There is a version; perhaps the same as before.
  void Want(nlohmann::json version) { wanted_ = std::move(version); }

  // What to write now; its outcome must come before the next. nullopt: nothing, or not yet.
  std::optional<nlohmann::json> Take(TimePoint now);
  // The same without waiting for the server's sake: there will be no later.
  std::optional<nlohmann::json> TakeLast();

  void Done(const absl::Status& outcome, TimePoint now);

  // The server answers again, as something else has shown: a pause after a failure is over, unless
  // the server itself has asked for it.
  void ServerIsBack() { retry_at_ = not_before_; }

  // When Take() will have something; nullopt: not before Want() or Done().
  std::optional<TimePoint> NextDeadline() const;

  // The newest version is the server's.
  bool settled() const { return !writing_ && wanted_ == written_; }
  bool writing() const { return writing_.has_value(); }

 private:
  TimePoint Earliest() const;

  std::minstd_rand random_;
  std::optional<nlohmann::json> wanted_;
  std::optional<nlohmann::json> writing_;
  std::optional<nlohmann::json> written_;  // what the server has; nullopt: not known
  std::optional<TimePoint> retry_at_;
  std::optional<TimePoint> not_before_;  // what the server has asked for
  int failures_ = 0;
  // When the bucket will be full again: each write moves it on by kRefill.
  TimePoint full_at_;
};

}  // namespace nodedevice
