#include "agent/node_reporter.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/log.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr char kManager[] = "node-device-agent";
constexpr char kController[] = "nodedevices.io/node-device-agent";
// Between two tries of the last state.
constexpr Duration kLastPause = std::chrono::milliseconds(500);

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
      event_writer_(loop, worker, client),
      state_timer_(loop,
                   [this] {
                     if (done_) return FinishIfSettled();
                     WriteState();
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
  for (ApiEvent& event : EventsBetween(before, after)) {
    if (!throttle_.Admit(event, Clock::now())) continue;
    if (events_.size() == EventWriter::kMostEvents) events_.pop_front();
    events_.push_back({std::move(event), std::chrono::system_clock::now()});
  }
  if (!before.config.stale.empty() && after.config.stale.empty()) {
    writer_.ServerIsBack();
    event_writer_.ServerIsBack();
  }
  WriteState();
  TellEvents();
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
  TellEvents();
}

void NodeReporter::TellEvents() {
  // What they are about must be there first, or `kubectl describe` does not find them.
  if (uid_.empty()) return;
  for (; !events_.empty(); events_.pop_front()) {
    Json event = RenderEvent(
        events_.front().event,
        {kController, identity_.pod_name.empty() ? identity_.node_name : identity_.pod_name},
        {{"apiVersion", kApiVersion},
         {"kind", "NodeDeviceState"},
         {"name", renderer_.name()},
         {"uid", uid_}},
        events_.front().when, ++event_number_);
    event["related"] = {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", identity_.node_name}};
    event_writer_.Add(std::move(event));
  }
}

void NodeReporter::FinishIfSettled() {
  if (!done_) return;
  if (writer_.settled()) return finish_timer_.After(Duration::zero());
  if (std::optional<Json> version = writer_.TakeLast()) StartWriting(*std::move(version));
}

}  // namespace nodedevice
