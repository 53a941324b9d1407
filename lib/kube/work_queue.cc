#include "lib/kube/work_queue.h"

#include <algorithm>

namespace nodedevice {

void WorkQueue::Add(const std::string& key) {
  const auto row = rows_.try_emplace(key).first;
  switch (row->second.place) {
    case Place::kReady:
      return;
    case Place::kWorkedOn:
      row->second.wanted_again = true;
      return;
    case Place::kWaiting:
      StopWaiting(row);
      MakeReady(row);
  }
}

void WorkQueue::AddAfter(const std::string& key, TimePoint when) {
  const auto row = rows_.try_emplace(key).first;
  const bool waits = row->second.place == Place::kWaiting;
  if (waits) StopWaiting(row);
  std::optional<TimePoint>& add_at = row->second.add_at;
  add_at = add_at ? std::min(*add_at, when) : when;
  if (waits) MakeWaiting(row);
}

std::optional<std::string> WorkQueue::Take(TimePoint now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const auto due = rows_.find(waiting_.begin()->second);
    StopWaiting(due);
    MakeReady(due);
  }
  if (ready_.empty()) return std::nullopt;
  std::string key = std::move(ready_.front());
  ready_.pop_front();
  Row& row = rows_.at(key);
  row.place = Place::kWorkedOn;
  row.retry_at.reset();
  if (row.add_at && *row.add_at <= now) row.add_at.reset();
  return key;
}

void WorkQueue::Done(const std::string& key, Outcome outcome, TimePoint now) {
  const auto found = rows_.find(key);
  if (found == rows_.end() || found->second.place != Place::kWorkedOn) return;
  Row& row = found->second;
  if (outcome == Outcome::kSuccess) {
    row.failures = 0;
  } else {
    row.retry_at = std::max(now + kBackoff.After(++row.failures), ReserveRetry(now));
  }
  if (std::exchange(row.wanted_again, false)) {
    MakeReady(found);
  } else if (DueAt(row)) {
    MakeWaiting(found);
  } else {
    rows_.erase(found);
  }
}

std::optional<TimePoint> WorkQueue::NextDeadline(TimePoint now) const {
  if (!ready_.empty()) return now;
  if (waiting_.empty()) return std::nullopt;
  return std::max(now, waiting_.begin()->first);
}

std::optional<TimePoint> WorkQueue::DueAt(const Row& row) {
  if (row.add_at && row.retry_at) return std::min(*row.add_at, *row.retry_at);
  return row.add_at ? row.add_at : row.retry_at;
}

void WorkQueue::MakeReady(Rows::iterator row) {
  row->second.place = Place::kReady;
  ready_.push_back(row->first);
}

void WorkQueue::MakeWaiting(Rows::iterator row) {
  row->second.place = Place::kWaiting;
  if (const std::optional<TimePoint> due = DueAt(row->second)) waiting_.emplace(*due, row->first);
}

void WorkQueue::StopWaiting(Rows::iterator row) {
  if (const std::optional<TimePoint> due = DueAt(row->second)) waiting_.erase({*due, row->first});
}

TimePoint WorkQueue::ReserveRetry(TimePoint now) {
  full_at_ = std::max(full_at_, now) + kRefill;
  return full_at_ - kBurst * kRefill;
}

}  // namespace nodedevice
