#include "controller/controller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "controller/plan.h"
#include "lib/api/device_plugin_config.h"
#include "lib/base/log.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// The key of planning; objects have longer names.
constexpr char kPlan[] = "plan";
// Thinking takes at most a tenth of the time while a cluster keeps changing.
constexpr int kRest = 9;
constexpr Duration kLongestRest = std::chrono::seconds(5);
// A pool that starts changes its status with every agent: one that is written says all of that.
constexpr Duration kBetweenStatuses = std::chrono::seconds(1);
// The same write is not wanted again before the watch must have told what the first one did.
constexpr Duration kWatchLag = std::chrono::seconds(2);
// Nothing is lost without it; it makes sure of that.
constexpr Duration kResync = std::chrono::minutes(10);

WallSeconds Today() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

Controller::Controller(EventLoop& loop, Worker& worker, ApiClient& client, const Settings& settings,
                       const std::string& instance, Callbacks callbacks, std::uint32_t seed)
    : loop_(loop),
      worker_(worker),
      client_(client),
      settings_(settings),
      reporter_{"nodedevices.io/node-device-controller", instance},
      callbacks_(std::move(callbacks)),
      watch_(
          loop, worker, client, settings.name_space, view_,
          {.on_change = [this] { WantPlan(); }, .on_problem = [this] { callbacks_.on_snapshot(); }},
          seed),
      events_(loop, worker, client),
      wake_(loop, [this] { Turn(); }) {}

Controller::~Controller() { *alive_ = false; }

void Controller::Start() { watch_.Start(); }

void Controller::Stop(std::function<void()> done) {
  stopped_ = std::move(done);
  wake_.Cancel();
  if (!writing_) stopped_();
}

void Controller::Fill(ControllerSnapshot& snapshot) const {
  snapshot.missing = view_.Missing();
  snapshot.problems = watch_.Problems();
  snapshot.plans = statistics_.plans;
  snapshot.writes = statistics_.writes;
  snapshot.write_durations = statistics_.write_durations;
  snapshot.queue_depth = queue_.depth();
  snapshot.queue_waiting = queue_.size();
  snapshot.failing_writes = failures_.size();
  snapshot.statuses.clear();
  for (const Json& config : view_.observed().configs) {
    snapshot.statuses.emplace_back(TextAt(config, "/metadata/name"), ValueAt(config, "/status"));
  }
}

void Controller::WantPlan() {
  if (next_plan_ <= Clock::now()) {
    queue_.Add(kPlan);
  } else {
    queue_.AddAfter(kPlan, next_plan_);
  }
  // Everything that one answer of the API changes is thought about once.
  if (std::exchange(turn_is_due_, true)) return;
  loop_.Post([this, alive = alive_] {
    if (!*alive) return;
    turn_is_due_ = false;
    Turn();
  });
}

void Controller::Turn() {
  while (!writing_ && !stopped_) {
    const std::optional<std::string> key = queue_.Take(Clock::now());
    if (!key) break;
    if (*key == kPlan) {
      MakePlanNow();
      queue_.Done(kPlan, WorkQueue::Outcome::kSuccess, Clock::now());
    } else {
      Write(*key);
    }
  }
  Sleep();
}

void Controller::Sleep() {
  const std::optional<TimePoint> next = queue_.NextDeadline(Clock::now());
  if (next && !writing_ && !stopped_) {
    wake_.At(*next);
  } else {
    wake_.Cancel();
  }
}

void Controller::MakePlanNow() {
  if (!view_.Missing().empty()) return;
  const TimePoint began = Clock::now();
  const Plan plan = MakePlan(view_.At(Today()), settings_);
  const Duration took = Clock::now() - began;
  statistics_.plans.Add(took);
  next_plan_ = began + took + std::min<Duration>(kRest * took, kLongestRest);

  wanted_.clear();
  for (ApiWrite& write : WritesOf(plan)) {
    const std::string key = write.object;
    // One that has failed so waits for its time, another text of it does not.
    const auto failed = failures_.find(key);
    const bool is_new = failed == failures_.end() || failed->second.write != write;
    if (is_new || !queue_.Knows(key)) Enqueue(key, write);
    wanted_.insert_or_assign(key, std::move(write));
  }
  // What nobody wants any more is forgotten, and its problem with it.
  for (const auto& [key, failure] : failures_) {
    if (!wanted_.contains(key)) queue_.Add(key);
  }
  to_tell_.clear();
  for (const ConfigEvent& event : plan.events) to_tell_.emplace(event.object, event);
  const Duration again = plan.look_again_after ? *plan.look_again_after : kResync;
  queue_.AddAfter(kPlan, Clock::now() + std::min(again, kResync));
  callbacks_.on_snapshot();
}

void Controller::Enqueue(const std::string& key, const ApiWrite& write) {
  TimePoint when;
  if (const auto done = done_.find(key); done != done_.end()) {
    if (done->second.write == write) {
      when = done->second.when + kWatchLag;
    } else if (std::holds_alternative<ApiWrite::Status>(write.what)) {
      when = done->second.when + kBetweenStatuses;
    }
  }
  if (when <= Clock::now()) {
    queue_.Add(key);
  } else {
    queue_.AddAfter(key, when);
  }
}

void Controller::Write(const std::string& key) {
  const auto found = wanted_.find(key);
  if (found == wanted_.end()) {
    // What was to be done about it is done, or not wanted any more.
    failures_.erase(key);
    done_.erase(key);
    queue_.Done(key, WorkQueue::Outcome::kSuccess, Clock::now());
    if (view_.SetWriteProblem(key, "")) WantPlan();
    return;
  }
  if (!callbacks_.may_write()) {
    // The process is about to end.
    queue_.Done(key, WorkQueue::Outcome::kFailure, Clock::now());
    return;
  }
  writing_ = true;
  worker_.Do([this, alive = alive_, &loop = loop_, &client = client_, write = found->second] {
    const TimePoint began = Clock::now();
    const absl::Status status = Perform(write, client);
    loop.Post([this, alive, write, began, status] {
      if (*alive) OnWritten(write, began, status);
    });
  });
}

void Controller::OnWritten(const ApiWrite& write, TimePoint began, const absl::Status& status) {
  writing_ = false;
  statistics_.write_durations.Add(Clock::now() - began);
  ++statistics_.writes[{KindOf(write), VerbOf(write), status.ok() ? "ok" : "error"}];
  NoteOutcome(write, status);
  const bool changed =
      view_.SetWriteProblem(write.object, status.ok() ? "" : RefusalOf(write, status));
  if (status.ok()) {
    done_.insert_or_assign(write.object, Done{write, Clock::now()});
    Tell(write.object);
    const auto wanted = wanted_.find(write.object);
    if (wanted != wanted_.end() && wanted->second == write) wanted_.erase(wanted);
  }
  queue_.Done(write.object,
              status.ok() ? WorkQueue::Outcome::kSuccess : WorkQueue::Outcome::kFailure,
              Clock::now());
  if (changed) WantPlan();
  callbacks_.on_snapshot();
  if (stopped_) return stopped_();
  Turn();
}

void Controller::NoteOutcome(const ApiWrite& write, const absl::Status& status) {
  const auto failed = failures_.find(write.object);
  if (status.ok()) {
    // Statuses change with every node.
    const bool is_routine =
        std::holds_alternative<ApiWrite::Status>(write.what) && failed == failures_.end();
    spdlog::log(is_routine ? spdlog::level::debug : spdlog::level::info, "{}{}", Describe(write),
                failed == failures_.end() ? "" : ", which had failed before");
    if (failed != failures_.end()) failures_.erase(failed);
    return;
  }
  const std::string problem(status.message());
  if (failed == failures_.end() || failed->second.problem != problem) {
    spdlog::warn("{} cannot be written, will try again: {}", write.object, problem);
  }
  failures_.insert_or_assign(write.object, Failure{write, problem});
}

void Controller::Tell(const std::string& object) {
  const auto [first, last] = to_tell_.equal_range(object);
  for (auto told = first; told != last; ++told) {
    ApiEvent event = told->second.event;
    event.about = absl::StrCat(told->second.config, " ", event.about);
    if (!throttle_.Admit(event, Clock::now())) continue;
    events_.Add(RenderEvent(event, reporter_,
                            {{"apiVersion", kApiVersion},
                             {"kind", "DevicePluginConfig"},
                             {"name", told->second.config},
                             {"uid", told->second.uid}},
                            std::chrono::system_clock::now(), ++event_number_));
  }
  to_tell_.erase(first, last);
}

}  // namespace nodedevice
