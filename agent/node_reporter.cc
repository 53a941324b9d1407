#include "agent/node_reporter.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/utf8.h"
#include "lib/kube/api_time.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// A cluster-scoped object's events are in this namespace.
constexpr char kEvents[] = "/apis/events.k8s.io/v1/namespaces/default/events";
constexpr char kManager[] = "node-device-agent";
constexpr char kController[] = "nodedevices.io/node-device-agent";
constexpr std::size_t kMaxNote = 1024;
constexpr std::size_t kMaxInstance = 128;
constexpr std::size_t kMaxHeldBack = 64;  // what the throttle adds to a note, at most
constexpr std::size_t kMaxNamePrefix = 200;
// Between two tries of the last state.
constexpr Duration kLastPause = std::chrono::milliseconds(500);
constexpr Backoff kEventBackoff = {.first = std::chrono::seconds(2),
                                   .limit = std::chrono::seconds(60)};

// What the names of events begin with: no part of a name may end with a dot or a dash.
std::string NamePrefix(std::string name) {
  name.resize(std::min(name.size(), kMaxNamePrefix));
  while (name.ends_with('.') || name.ends_with('-')) name.pop_back();
  return name;
}

// Applies the status, and before it the object when it is another one than `applied`, or is gone.
// The result is the object's uid; empty when there is nothing to write to: no configuration asks
// for it.
absl::StatusOr<std::string> Write(ApiClient& client, const std::string& name, const Json& object,
                                  const Json& applied, const Json& status) {
  const std::string path = absl::StrCat("/apis/", kApiVersion, "/nodedevicestates/", name);
  const auto apply = [&](const std::string& to, const Json& what) {
    return client.Apply(to, what, kManager, /*force=*/true);
  };
  if (!object.is_null() && object != applied) RETURN_IF_ERROR(apply(path, object).status());
  absl::StatusOr<Json> answer = apply(path + "/status", status);
  if (absl::IsNotFound(answer.status())) {
    if (object.is_null()) return std::string();
    RETURN_IF_ERROR(apply(path, object).status());
    answer = apply(path + "/status", status);
  }
  if (!answer.ok()) return answer.status();
  std::string uid = TextAt(*answer, "/metadata/uid");
  // Whoever answered so, it was not the API server: the state may not have arrived.
  if (uid.empty())
    return absl::DataLossError(absl::StrCat("PATCH ", path, ": no object came back"));
  return uid;
}

}  // namespace

NodeReporter::NodeReporter(EventLoop& loop, Worker& worker, ApiClient& client,
                           NodeIdentity identity, std::uint32_t seed)
    : loop_(loop),
      worker_(worker),
      client_(client),
      identity_(identity),
      renderer_(std::move(identity), std::chrono::system_clock::now(), Clock::now()),
      writer_(seed),
      state_timer_(loop,
                   [this] {
                     if (done_) return FinishIfSettled();
                     WriteState();
                   }),
      event_timer_(loop,
                   [this] {
                     EndEventPause();
                     WriteEvent();
                   }),
      finish_timer_(loop, [this] {
        if (done_) std::exchange(done_, nullptr)();
      }) {}

void NodeReporter::Observe(const Snapshot& before, const Snapshot& after) {
  // Without a configuration nobody has asked for a state, unless there is one to be kept true.
  const bool is_asked_for = !after.config.uid.empty() || !uid_.empty();
  if (is_asked_for) {
    writer_.Want({{"object", after.config.uid.empty() ? Json() : renderer_.Object(after)},
                  {"status", renderer_.Status(after)}});
  }
  for (NodeEvent& event : EventsBetween(before, after)) {
    event.note.resize(Utf8Prefix(event.note, kMaxNote - kMaxHeldBack).size());
    if (!throttle_.Admit(event, Clock::now())) continue;
    if (events_.size() == kMostEvents) events_.pop_front();
    events_.push_back(
        {{"apiVersion", "events.k8s.io/v1"},
         {"kind", "Event"},
         {"metadata",
          {{"name", absl::StrCat(NamePrefix(renderer_.name()), ".",
                                 absl::Hex(absl::ToUnixNanos(absl::Now()) + ++event_number_))},
           {"namespace", "default"}}},
         {"eventTime", MicroTime(std::chrono::system_clock::now())},
         {"type", event.warning ? "Warning" : "Normal"},
         {"reason", event.reason},
         {"action", event.action},
         {"note", event.note},
         {"reportingController", kController},
         {"reportingInstance",
          Utf8Prefix(identity_.pod_name.empty() ? identity_.node_name : identity_.pod_name,
                     kMaxInstance)},
         {"related", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", identity_.node_name}}}});
  }
  if (!before.config.stale.empty() && after.config.stale.empty()) {
    writer_.ServerIsBack();
    if (event_waits_) EndEventPause();
  }
  WriteState();
  WriteEvent();
}

void NodeReporter::EndEventPause() {
  event_timer_.Cancel();
  event_waits_ = event_is_busy_ = false;
}

void NodeReporter::Finish(std::function<void()> done) {
  done_ = std::move(done);
  finish_timer_.After(kLastWords);
  FinishIfSettled();
}

void NodeReporter::WriteState() {
  if (std::optional<Json> version = writer_.Take(Clock::now())) StartWriting(*std::move(version));
  if (const std::optional<TimePoint> next = writer_.NextDeadline()) state_timer_.At(*next);
}

void NodeReporter::StartWriting(Json version) {
  worker_.Do([this, alive = alive_, &loop = loop_, &client = client_, name = renderer_.name(),
              version = std::move(version), applied = object_] {
    absl::StatusOr<std::string> uid =
        Write(client, name, version["object"], applied, version["status"]);
    loop.Post([this, alive, uid = std::move(uid), object = version["object"]]() mutable {
      if (!*alive) return;
      if (uid.ok()) object_ = uid->empty() ? Json() : std::move(object);
      OnStateWritten(uid);
    });
  });
}

void NodeReporter::OnStateWritten(const absl::StatusOr<std::string>& uid) {
  writer_.Done(uid.status(), Clock::now());
  const std::string problem(uid.status().message());
  if (problem != problem_ && !problem.empty()) {
    spdlog::warn("the NodeDeviceState cannot be written, will try again: {}", problem);
  } else if (problem.empty() && !problem_.empty()) {
    spdlog::info("the NodeDeviceState is up to date again");
  }
  problem_ = problem;
  if (uid.ok()) uid_ = *uid;
  if (done_) {
    if (uid.ok()) return FinishIfSettled();
    // Again, until kLastWords are over; a server that refuses at once must not be hammered.
    return state_timer_.After(kLastPause);
  }
  WriteState();
  WriteEvent();
}

void NodeReporter::WriteEvent() {
  // What it is about must be there first, or `kubectl describe` does not find it.
  if (events_.empty() || event_is_busy_ || uid_.empty()) return;
  event_is_busy_ = true;
  Json event = std::move(events_.front());
  events_.pop_front();
  event["regarding"] = {{"apiVersion", kApiVersion},
                        {"kind", "NodeDeviceState"},
                        {"name", renderer_.name()},
                        {"uid", uid_}};
  worker_.Do([this, alive = alive_, &loop = loop_, &client = client_, event = std::move(event)] {
    const absl::Status status = client.Post(kEvents, event).status();
    loop.Post([this, alive, event, status] {
      if (*alive) OnEventWritten(event, status);
    });
  });
}

void NodeReporter::OnEventWritten(Json event, const absl::Status& status) {
  const bool may_work_later = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
                              absl::IsResourceExhausted(status) ||
                              absl::IsUnauthenticated(status) || absl::IsDataLoss(status);
  if (may_work_later) {
    if (events_.size() < kMostEvents) events_.push_front(std::move(event));
    event_waits_ = true;
    return event_timer_.After(kEventBackoff.After(++event_failures_));
  }
  // An earlier try may have arrived, though its answer did not.
  const bool taken = status.ok() || absl::IsAlreadyExists(status);
  if (!taken) spdlog::warn("an event was not taken: {}", std::string(status.message()));
  event_failures_ = 0;
  event_is_busy_ = false;
  WriteEvent();
}

void NodeReporter::FinishIfSettled() {
  if (!done_) return;
  if (writer_.settled()) return finish_timer_.After(Duration::zero());
  if (std::optional<Json> version = writer_.TakeLast()) StartWriting(*std::move(version));
}

}  // namespace nodedevice
