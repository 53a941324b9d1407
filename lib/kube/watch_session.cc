#include "lib/kube/watch_session.h"

#include <set>
#include <utility>

#include "lib/base/backoff.h"
#include "lib/kube/api_error.h"
#include "lib/kube/object_fields.h"
#include "lib/kube/retry.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr Backoff kBackoff = {.first = std::chrono::milliseconds(800), .limit = seconds(30)};
constexpr Duration kForgiveAfter = std::chrono::minutes(2);
constexpr Duration kNoSuchKind = seconds(30);
constexpr Duration kTooShort = seconds(1);     // for a stream, and for a list to be too old
constexpr Duration kUnanswered = seconds(60);  // as long as an API server may take for a request
constexpr Duration kOverdue = seconds(30);     // beyond the time after which the server closes
constexpr int kShortestWatch = 300;
constexpr int kLongestWatch = 600;

// "name" or "namespace/name"; empty for what is no object of the API.
std::string KeyOf(const Json& object) {
  const std::string name = TextAt(object, "/metadata/name");
  const std::string space = TextAt(object, "/metadata/namespace");
  return name.empty() || space.empty() ? name : absl::StrCat(space, "/", name);
}

std::string VersionOf(const Json& object) { return TextAt(object, "/metadata/resourceVersion"); }

}  // namespace

std::vector<WatchSession::Action> WatchSession::Start(TimePoint) {
  problem_ = absl::UnavailableError("the API server has not answered yet");
  BeginList(first_version_);
  return std::exchange(actions_, {});
}

std::vector<WatchSession::Action> WatchSession::Handle(Event event, TimePoint now) {
  std::visit([&](auto& what) { On(what, now); }, event);
  return std::exchange(actions_, {});
}

void WatchSession::On(Listed& event, TimePoint now) {
  if (phase_ != Phase::kListing) return;
  const std::string version = VersionOf(event.list);
  const auto items = event.list.is_object() ? event.list.find("items") : event.list.end();
  if (version.empty() || items == event.list.end() || !items->is_array()) {
    return Wait(absl::DataLossError("the API server's answer is not a list"), now);
  }
  std::set<std::string> listed;
  for (Json& item : *items) {
    listed.insert(KeyOf(item));
    Learn(std::move(item));
  }
  for (auto known = known_.begin(); known != known_.end();) {
    if (listed.contains(known->first)) {
      ++known;
    } else {
      actions_.push_back(Remove{known->first});
      known = known_.erase(known);
    }
  }
  actions_.push_back(Synced{});
  resource_version_ = version;
  listed_at_ = now;
  BeWell(now);
  BeginWatch(now);
  stream_tests_list_ = true;
}

void WatchSession::On(const ListFailed& event, TimePoint now) {
  if (phase_ != Phase::kListing) return;
  // That version is gone, or from another server's future: any will do.
  if (IsExpired(event.status) && !list_version_.empty()) return BeginList("");
  Wait(event.status, now);
}

void WatchSession::On(const Opened&, TimePoint now) {
  if (phase_ != Phase::kWatching) return;
  stream_opened_ = true;
  stream_began_ = now;  // what it took to get there is not its own time
  deadline_ = now + stream_timeout_ + kOverdue;
  BeWell(now);
}

void WatchSession::On(const Received& event, TimePoint now) {
  if (phase_ != Phase::kWatching) return;
  std::vector<WatchFrame> frames;
  const absl::Status status = frames_.Take(event.bytes, frames);
  for (const WatchFrame& frame : frames) {
    stream_said_something_ = true;
    if (frame.type != WatchFrame::Type::kError) stream_tests_list_ = false;
    if (!Take(frame, now)) return;
  }
  if (status.ok()) return;
  // From the same place the same bytes may come again.
  resource_version_.clear();
  Abandon(status, now);
}

void WatchSession::On(const Ended& event, TimePoint now) {
  if (phase_ != Phase::kWatching) return;
  if (IsExpired(event.status)) return ListAnew(event.status, now);
  if (!event.status.ok()) return Wait(event.status, now);
  if (now - stream_began_ >= kTooShort) return BeginWatch(now);
  if (!stream_said_something_) {
    return Wait(absl::UnavailableError("the API server closed the watch at once"), now);
  }
  // No failure; but a server that does so again and again must not be asked as fast as it answers.
  phase_ = Phase::kWaiting;
  list_next_ = false;
  deadline_ = stream_began_ + kTooShort;
}

void WatchSession::On(const DeadlinePassed&, TimePoint now) {
  if (!deadline_ || now < *deadline_) return;
  deadline_.reset();
  if (phase_ == Phase::kWatching) {
    return Abandon(absl::DeadlineExceededError(
                       stream_opened_ ? "the watch stands still: the connection is lost"
                                      : "the API server does not answer the watch"),
                   now);
  }
  if (phase_ != Phase::kWaiting) return;
  if (list_next_) {
    BeginList(known_.empty() && resource_version_.empty() ? first_version_ : resource_version_);
  } else {
    BeginWatch(now);
  }
}

void WatchSession::BeginList(std::string resource_version) {
  phase_ = Phase::kListing;
  deadline_.reset();
  list_version_ = resource_version;
  actions_.push_back(List{std::move(resource_version)});
}

void WatchSession::BeginWatch(TimePoint now) {
  phase_ = Phase::kWatching;
  frames_ = WatchFrames();
  stream_opened_ = false;
  stream_began_ = now;
  stream_said_something_ = false;
  stream_tests_list_ = false;
  stream_timeout_ =
      seconds(kShortestWatch + static_cast<int>(Random() * (kLongestWatch - kShortestWatch)));
  deadline_ = now + kUnanswered;
  actions_.push_back(Watch{resource_version_, stream_timeout_});
}

void WatchSession::BeWell(TimePoint now) {
  problem_ = absl::OkStatus();
  if (!well_since_) well_since_ = now;
}

void WatchSession::Wait(const absl::Status& why, TimePoint now) {
  if (well_since_ && now - *well_since_ >= kForgiveAfter) failures_ = 0;
  well_since_.reset();
  problem_ = why;
  Duration pause = kBackoff.After(++failures_);
  if (absl::IsNotFound(why)) pause = kNoSuchKind;
  list_next_ = resource_version_.empty() || phase_ == Phase::kListing || absl::IsNotFound(why);
  phase_ = Phase::kWaiting;
  deadline_ = now + RetryPause(why, pause, Random());
}

void WatchSession::Abandon(const absl::Status& why, TimePoint now) {
  actions_.push_back(CloseStream{});
  if (IsExpired(why)) {
    ListAnew(why, now);
  } else {
    Wait(why, now);
  }
}

void WatchSession::ListAnew(const absl::Status& why, TimePoint now) {
  const bool just_listed = stream_tests_list_ || (listed_at_ && now - *listed_at_ < kTooShort);
  if (!just_listed) return BeginList(resource_version_);
  // A server that takes the very version of its list for gone would lead us round and round.
  Wait(why, now);
  list_next_ = true;
}

bool WatchSession::Take(const WatchFrame& frame, TimePoint now) {
  if (frame.type == WatchFrame::Type::kError) {
    Abandon(ErrorOfStatusObject("watch", frame.object), now);
    return false;
  }
  const std::string version = VersionOf(frame.object);
  if (!version.empty()) resource_version_ = version;
  if (frame.type == WatchFrame::Type::kDeleted) {
    const std::string key = KeyOf(frame.object);
    if (known_.erase(key) > 0) actions_.push_back(Remove{key});
  } else if (frame.type != WatchFrame::Type::kBookmark) {
    Learn(frame.object);
  }
  return true;
}

void WatchSession::Learn(Json object) {
  const std::string key = KeyOf(object);
  if (key.empty()) return;
  Known now = {.uid = TextAt(object, "/metadata/uid"), .resource_version = VersionOf(object)};
  Known& before = known_[key];
  const bool same = !now.resource_version.empty() && before.uid == now.uid &&
                    before.resource_version == now.resource_version;
  if (same) return;
  before = std::move(now);
  actions_.push_back(Upsert{key, std::move(object)});
}

}  // namespace nodedevice
