// Random use of a WorkQueue against the simplest thing that does the same: lists that are searched,
// and a bucket whose tokens are counted.

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/work_queue.h"

namespace nodedevice::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Keys = std::vector<std::string>;
using Outcome = WorkQueue::Outcome;

constexpr TimePoint kStart = TimePoint() + std::chrono::hours(100);

bool Has(const Keys& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

class Reference {
 public:
  void Add(const std::string& key) {
    if (Has(working_, key)) {
      if (!Has(again_, key)) again_.push_back(key);
    } else if (!Has(ready_, key)) {
      ready_.push_back(key);
    }
  }
  // Of many times the earliest counts.
  void AddAfter(const std::string& key, TimePoint when) {
    for (Later& later : later_) {
      if (later.key == key && !later.retry) {
        later.when = std::min(later.when, when);
        return;
      }
    }
    later_.push_back({when, key, false});
  }
  std::optional<std::string> Take(TimePoint now) {
    std::sort(later_.begin(), later_.end());
    for (const Later& later : later_) {
      if (later.when <= now && !Has(working_, later.key) && !Has(ready_, later.key)) {
        ready_.push_back(later.key);
      }
    }
    if (ready_.empty()) return std::nullopt;
    const std::string key = ready_.front();
    ready_.erase(ready_.begin());
    working_.push_back(key);
    std::erase_if(later_, [&](const Later& later) {
      return later.key == key && (later.retry || later.when <= now);
    });
    return key;
  }
  void Done(const std::string& key, Outcome outcome, TimePoint now) {
    std::erase(working_, key);
    if (outcome == Outcome::kSuccess) {
      std::erase_if(failed_, [&](const std::string& one) { return one == key; });
    } else {
      double pause = 0.005;
      for (const std::string& one : failed_) pause *= one == key ? 2 : 1;
      failed_.push_back(key);
      const auto own = std::chrono::nanoseconds(std::llround(std::min(pause, 1000.0) * 1e9));
      later_.push_back({now + std::max<Duration>(own, WaitForAToken(now)), key, true});
    }
    if (std::erase(again_, key) > 0) ready_.push_back(key);
  }
  std::optional<TimePoint> NextDeadline(TimePoint now) const {
    if (!ready_.empty()) return now;
    std::optional<TimePoint> next;
    for (const Later& later : later_) {
      if (Has(working_, later.key)) continue;
      const TimePoint when = std::max(now, later.when);
      next = next ? std::min(*next, when) : when;
    }
    return next;
  }
  // How many keys are anywhere.
  std::size_t size() const {
    std::set<std::string> keys(ready_.begin(), ready_.end());
    keys.insert(working_.begin(), working_.end());
    for (const Later& later : later_) keys.insert(later.key);
    return keys.size();
  }
  const Keys& working() const { return working_; }

 private:
  struct Later {
    TimePoint when;
    std::string key;
    bool retry = false;
    bool operator<(const Later& other) const {
      return std::tie(when, key) < std::tie(other.when, other.key);
    }
  };

  // A token is a tenth of a second of waiting.
  Duration WaitForAToken(TimePoint now) {
    tokens_ = std::min<Duration>(tokens_ + (now - counted_at_), seconds(10));
    counted_at_ = now;
    tokens_ -= milliseconds(100);
    return std::max(-tokens_, Duration::zero());
  }

  Keys ready_;
  Keys working_;
  Keys again_;
  Keys failed_;  // once for each failure in a row
  std::vector<Later> later_;
  Duration tokens_ = seconds(10);
  TimePoint counted_at_ = kStart;
};

class WorkQueueModelTest : public ::testing::TestWithParam<unsigned> {
 protected:
  int Below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
  std::string Key() { return std::string(1, static_cast<char>('a' + Below(12))); }

  void Take() {
    const std::optional<std::string> key = queue_.Take(now_);
    ASSERT_EQ(key, reference_.Take(now_));
  }
  void Done() {
    if (reference_.working().empty()) return;
    const std::string key =
        reference_.working()[Below(static_cast<int>(reference_.working().size()))];
    const Outcome outcome = Below(4) == 0 ? Outcome::kSuccess : Outcome::kFailure;
    queue_.Done(key, outcome, now_);
    reference_.Done(key, outcome, now_);
  }
  void Step() {
    switch (Below(8)) {
      case 0:
        now_ += milliseconds(Below(Below(10) == 0 ? 100'000 : 30));
        break;
      case 1: {
        const std::string key = Key();
        queue_.Add(key);
        reference_.Add(key);
        break;
      }
      case 2: {
        const std::string key = Key();
        // Also in the past.
        const TimePoint when = now_ + milliseconds(Below(2000) - 100);
        queue_.AddAfter(key, when);
        reference_.AddAfter(key, when);
        break;
      }
      case 3:
        now_ = std::max(now_, queue_.NextDeadline(now_).value_or(now_));
        break;
      case 4:
      case 5:
        Take();
        break;
      default:
        Done();
    }
  }

  std::mt19937 random_{GetParam()};
  TimePoint now_ = kStart;
  WorkQueue queue_;
  Reference reference_;
};

TEST_P(WorkQueueModelTest, DoesWhatTheReferenceDoes) {
  for (int step = 0; step < 5000; ++step) {
    SCOPED_TRACE(step);
    ASSERT_NO_FATAL_FAILURE(Step());
    ASSERT_EQ(queue_.NextDeadline(now_), reference_.NextDeadline(now_));
    ASSERT_EQ(queue_.size(), reference_.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, WorkQueueModelTest, ::testing::Range(1u, 21u));

}  // namespace
}  // namespace nodedevice::testing
