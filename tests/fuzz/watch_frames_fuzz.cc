#include "lib/kube/watch_frames.h"

#include <algorithm>
#include <set>

#include "lib/kube/watch_session.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::TimePoint;
using nodedevice::WatchFrame;
using nodedevice::WatchFrames;
using nodedevice::WatchSession;
using nodedevice::fuzz::Require;

namespace {

constexpr std::size_t kMaxFrame = 2048;

struct Result {
  std::vector<WatchFrame> frames;
  absl::Status status;
  bool operator==(const Result&) const = default;
};

Result TakeInPieces(std::string_view bytes, std::size_t piece) {
  WatchFrames frames(kMaxFrame);
  Result result;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    result.status = frames.Take(bytes.substr(at, piece), result.frames);
  }
  return result;
}

// Performs what a session wants, and requires that it wants one thing at a time.
class Owner {
 public:
  void Perform(const std::vector<WatchSession::Action>& actions) {
    for (const WatchSession::Action& action : actions) {
      std::visit([this](const auto& what) { Do(what); }, action);
    }
    Require(!listing_ || !streaming_, "a list or a stream, not both");
  }
  bool listing() const { return listing_; }
  void ListCame() { listing_ = false; }
  void StreamEnded() { streaming_ = false; }

 private:
  void Do(const WatchSession::List&) {
    Require(!listing_ && !streaming_, "nothing is in flight before a list");
    listing_ = true;
  }
  void Do(const WatchSession::Watch& watch) {
    Require(!listing_ && !streaming_, "nothing is in flight before a watch");
    Require(!watch.resource_version.empty(), "a watch begins somewhere");
    streaming_ = true;
  }
  void Do(const WatchSession::CloseStream&) {
    Require(streaming_, "what is closed was open");
    streaming_ = false;
  }
  void Do(const WatchSession::Upsert& upsert) {
    Require(!upsert.key.empty(), "an object has a key");
    known_.insert(upsert.key);
  }
  void Do(const WatchSession::Remove& remove) {
    Require(known_.erase(remove.key) == 1, "what is removed was known");
  }
  void Do(const WatchSession::Synced&) {}

  bool listing_ = false;
  bool streaming_ = false;
  std::set<std::string> known_;
};

// The bytes as streams and lists of a session: each form feed ends what is in flight.
void PlaySession(std::string_view bytes) {
  WatchSession session(1);
  Owner owner;
  TimePoint now;
  owner.Perform(session.Start(now));
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\f'), bytes.size());
    const std::string part(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (owner.listing()) {
      owner.ListCame();
      nlohmann::json list = nlohmann::json::parse(part, nullptr, /*allow_exceptions=*/false);
      if (list.is_discarded()) {
        list = {{"metadata", {{"resourceVersion", "5"}}}, {"items", nlohmann::json::array()}};
      }
      owner.Perform(session.Handle(WatchSession::Listed{std::move(list)}, now));
    }
    owner.Perform(session.Handle(WatchSession::Opened{}, now));
    owner.Perform(session.Handle(WatchSession::Received{part}, now));
    if (part.size() % 2 == 1 && !owner.listing()) {
      owner.StreamEnded();
      owner.Perform(session.Handle(WatchSession::Ended{absl::OkStatus()}, now));
    }
    if (session.NextDeadline()) now = *session.NextDeadline();
    owner.Perform(session.Handle(WatchSession::DeadlinePassed{}, now));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = nodedevice::fuzz::TextOf(data, size);
  const Result whole = TakeInPieces(bytes, std::max<std::size_t>(size, 1));
  Require(whole == TakeInPieces(bytes, 1), "pieces make no difference");
  Require(whole == TakeInPieces(bytes, 7), "whatever their size");
  PlaySession(bytes);
  return 0;
}
