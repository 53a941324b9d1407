#include "devicemanager/conformance/player.h"

#include <signal.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "devicemanager/conformance/calls.h"
#include "devicemanager/conformance/set_aside.h"
#include "devicemanager/kubelet_folder.h"
#include "lib/kubelet/socket_identity.h"

namespace nodedevice::devicemanager::conformance {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kQuiet = milliseconds(500);      // after which no more resources are expected
constexpr Duration kFirstListWithin = seconds(21);  // one more than list/arrives judges by
constexpr Duration kAllRefused = seconds(3);  // after which the first refusal is the last word
constexpr Duration kKilledAndBack = milliseconds(360);  // seen of a kubelet
constexpr Duration kLongDown = seconds(2);
constexpr Duration kSlow = seconds(2);
constexpr Duration kAheadOfKubelet = seconds(1);
// From a refused call to the end of the process that it may be, longer when the connection broke.
constexpr Duration kTellsItsEnd = milliseconds(100);
constexpr Duration kBrokenTellsItsEnd = seconds(3);
constexpr char kConnectionBroke[] = "rpc error: code = Unavailable";
constexpr Duration kStartAgain = seconds(1);
constexpr int kStartsAgainAtMost = 5;
constexpr Duration kGrowthBudget = seconds(20);
constexpr int kMostRegistrations = 1000;
constexpr int kWarmUpAtLeast = 2;
constexpr Duration kAfterTheEnd = seconds(1);  // for what goes with a process

std::size_t HealthyDevices(const std::map<std::string, PlayedKubelet::Registered>& resources) {
  std::size_t healthy = 0;
  for (const auto& [name, resource] : resources) {
    healthy += static_cast<std::size_t>(
        std::count_if(resource.devices.begin(), resource.devices.end(),
                      [](const ListedDevice& device) { return device.health == "Healthy"; }));
  }
  return healthy;
}

}  // namespace

Player::Player(EventLoop& loop, PlayerSettings settings, Changes& changes,
               std::function<void(const std::string&)> say)
    : loop_(loop),
      settings_(std::move(settings)),
      changes_(changes),
      say_(std::move(say)),
      kubelet_(loop_, settings_.paths, changes_) {}

bool Player::Wants(std::initializer_list<const char*> topics) const {
  return std::any_of(topics.begin(), topics.end(),
                     [this](const char* topic) { return settings_.topics.contains(topic); });
}

absl::StatusOr<Observation> Player::Play() {
  RETURN_IF_ERROR(Begin());
  // Without a resource only the registrations can be judged.
  if (!expected_.empty()) {
    if (Wants({"allocate", "preferred", "prestart"})) PlayCalls();
    if (!settings_.device.empty() && Wants({"hotplug"})) PlayHotplug();
    if (Wants({"restart"})) {
      PlayRestart(Stage::kRestart, kKilledAndBack);
      PlayRestart(Stage::kRefusing, kLongDown);
    }
    if (Wants({"slow-kubelet"})) PlayRestart(Stage::kSlowKubelet, kKilledAndBack);
    if (Wants({"refused"})) PlayRestart(Stage::kRefusedOnce, kKilledAndBack);
    if (Wants({"stream"})) PlayCut();
    if (Wants({"socket"})) PlaySocketRemoved();
    if (Wants({"growth"})) PlayGrowth();
    if (Wants({"overlap"})) PlayOverlap();
    if (Wants({"stop"})) PlayStop();
    if (Wants({"start"})) PlayBeforeKubelet();
  }
  if (changes_.interrupted()) return absl::CancelledError("interrupted");
  process_.reset();
  kubelet_.Kill();
  seen_.registrations = kubelet_.Registrations();
  seen_.streams = kubelet_.Streams();
  return std::move(seen_);
}

absl::Status Player::Launch(std::unique_ptr<PluginProcess>* process) {
  ASSIGN_OR_RETURN(*process, PluginProcess::Start(settings_.command, settings_.log, changes_));
  return absl::OkStatus();
}

absl::Status Player::Begin() {
  say_("start");
  RETURN_IF_ERROR(kubelet_.Start());
  RETURN_IF_ERROR(Launch(&process_));
  const auto ended = [this] { return process_->exit().has_value(); };
  changes_.WaitFor([&] { return !kubelet_.Registrations().empty() || ended(); },
                   settings_.start_limit);
  if (changes_.interrupted()) return absl::CancelledError("interrupted");
  if (kubelet_.Registrations().empty()) {
    if (ended()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the plugin ", ToString(*process_->exit()), " before it called Register"));
    }
    return absl::DeadlineExceededError(
        absl::StrCat("no Register call came on ", settings_.paths.registration_socket().native(),
                     " in ", settings_.start_limit / seconds(1), " s"));
  }
  // Its other resources, and the first lists.
  const TimePoint first = Clock::now();
  const auto refused = [&] {
    return Clock::now() - first > kAllRefused && kubelet_.Resources().empty();
  };
  changes_.WaitFor([&] { return Quiet() || refused() || ended(); }, kFirstListWithin);
  for (const auto& [name, resource] : kubelet_.Resources()) {
    if (resource.listed) expected_.insert(name);
  }
  NoteDeath(Stage::kStart, "its start", false);
  return absl::OkStatus();
}

bool Player::Quiet() const {
  const auto resources = kubelet_.Resources();
  return Clock::now() - kubelet_.last_heard() >= kQuiet && !resources.empty() &&
         kubelet_.open_streams() == resources.size() &&
         std::all_of(resources.begin(), resources.end(), [](const auto& resource) {
           return resource.second.streaming && resource.second.listed;
         });
}

bool Player::IsBack(const std::string& resource, std::uint64_t since) const {
  const auto resources = kubelet_.Resources();
  const auto found = resources.find(resource);
  return found != resources.end() && found->second.number > since && found->second.streaming &&
         found->second.listed;
}

bool Player::AllBack(std::uint64_t since) const {
  return std::all_of(expected_.begin(), expected_.end(),
                     [&](const std::string& resource) { return IsBack(resource, since); });
}

void Player::Hold(Duration duration) {
  changes_.WaitFor([] { return false; }, duration);
}

void Player::NoteDeath(Stage stage, const std::string& doing, bool impossible_request) {
  const std::optional<ChildExit> exit = process_->exit();
  if (!exit) return;
  seen_.deaths.push_back(
      {.stage = stage, .impossible_request = impossible_request, .doing = doing, .exit = *exit});
  Recover();
}

bool Player::Recover() {
  process_.reset();
  const std::uint64_t since = kubelet_.newest();
  if (!kubelet_.running() && !kubelet_.Start().ok()) return false;
  if (!Launch(&process_).ok()) return false;
  std::vector<ChildExit> ended;
  return Supervise([&] { return AllBack(since); }, settings_.patience, &ended);
}

bool Player::Ready(Stage stage, const std::string& what) {
  if (changes_.interrupted() || !process_) return false;
  if (process_->exit() && !seen_.comebacks.empty()) {
    // It took its time to end over what came before; its supervisor helps.
    seen_.comebacks.back().ended.push_back(*process_->exit());
    Recover();
  }
  NoteDeath(stage, absl::StrCat("the time before ", what), false);
  kubelet_.SetStage(stage);
  say_(what);
  if (AllBack(0) || Recover()) return true;
  // It cannot be had: what this scenario is about is lost, too.
  Comeback comeback{.stage = stage, .patience = settings_.patience};
  for (const std::string& name : expected_) comeback.resources[name] = std::nullopt;
  if (!changes_.interrupted()) seen_.comebacks.push_back(std::move(comeback));
  return false;
}

bool Player::Supervise(const std::function<bool()>& fact, Duration limit,
                       std::vector<ChildExit>* ended) {
  const TimePoint deadline = Clock::now() + limit;
  for (int starts = 0;; ++starts) {
    const bool gone = changes_.WaitFor([&] { return fact() || (process_ && process_->exit()); },
                                       deadline - Clock::now()) &&
                      !fact();
    if (!gone || !process_->exit()) return fact();
    ended->push_back(*process_->exit());
    if (starts >= kStartsAgainAtMost) return false;
    if (starts > 0) Hold(kStartAgain);
    if (!Launch(&process_).ok()) return false;
  }
}

void Player::AwaitComeback(Stage stage, std::uint64_t since, TimePoint begin,
                           const std::function<bool()>& settled) {
  Comeback comeback{.stage = stage, .patience = settings_.patience};
  Supervise([&] { return AllBack(since) && settled(); }, settings_.patience, &comeback.ended);
  const auto resources = kubelet_.Resources();
  for (const std::string& name : expected_) {
    comeback.resources[name] =
        IsBack(name, since)
            ? std::optional(std::max(Duration::zero(), resources.at(name).listed_at - begin))
            : std::nullopt;
  }
  seen_.comebacks.push_back(std::move(comeback));
}

void Player::PlayCalls() {
  if (!Ready(Stage::kCalls, "calls")) return;
  const CallChoice choice{.allocate = Wants({"allocate"}),
                          .preferred = Wants({"preferred"}),
                          .pre_start = Wants({"prestart"})};
  for (const auto& [name, resource] : kubelet_.Resources()) {
    const CallContext context{
        .connection =
            [this, &name = name] {
              const auto resources = kubelet_.Resources();
              return IsBack(name, 0) ? resources.at(name).connection : nullptr;
            },
        .after =
            [this](const std::string& doing, bool impossible, const Outcome& outcome) {
              if (outcome.ok()) return;
              changes_.WaitFor(
                  [this] { return process_->exit().has_value(); },
                  outcome.error.starts_with(kConnectionBroke) ? kBrokenTellsItsEnd : kTellsItsEnd);
              NoteDeath(Stage::kCalls, doing, impossible);
            }};
    MakeCalls(name, resource.devices, resource.options, choice, context, &seen_);
  }
}

void Player::PlayHotplug() {
  if (!Ready(Stage::kHotplug, "hotplug")) return;
  Hotplug hotplug{.path = settings_.device, .patience = settings_.patience};
  const std::size_t before = HealthyDevices(kubelet_.Resources());
  absl::StatusOr<SetAside> aside = SetAside::Move(settings_.device);
  if (!aside.ok()) {
    say_(std::string(aside.status().message()));
    return;
  }
  std::vector<ChildExit> ended;
  const auto healthy = [this] { return HealthyDevices(kubelet_.Resources()); };
  TimePoint begin = Clock::now();
  if (Supervise([&] { return healthy() < before; }, settings_.patience, &ended)) {
    hotplug.removal_listed = Clock::now() - begin;
  }
  begin = Clock::now();
  if (const absl::Status back = aside->PutBack(); !back.ok()) say_(std::string(back.message()));
  if (hotplug.removal_listed &&
      Supervise([&] { return healthy() >= before; }, settings_.patience, &ended)) {
    hotplug.return_listed = Clock::now() - begin;
  }
  seen_.hotplug = hotplug;
}

void Player::PlayRestart(Stage stage, Duration down) {
  if (!Ready(stage, stage == Stage::kRefusing      ? "restart, down for a while"
                    : stage == Stage::kSlowKubelet ? "restart, slow to answer"
                    : stage == Stage::kRefusedOnce ? "restart, first Register refused"
                                                   : "restart")) {
    return;
  }
  const std::uint64_t since = kubelet_.newest();
  kubelet_.Kill();
  Hold(down);
  if (stage == Stage::kSlowKubelet) kubelet_.AnswerAfter(kSlow);
  if (stage == Stage::kRefusedOnce) kubelet_.TurnAwayOnce(true);
  if (!kubelet_.Start().ok()) return;
  AwaitComeback(stage, since, Clock::now());
  kubelet_.AnswerAfter(Duration::zero());
  kubelet_.TurnAwayOnce(false);
}

void Player::PlayCut() {
  if (!Ready(Stage::kCut, "stream cut")) return;
  const std::uint64_t since = kubelet_.newest();
  const TimePoint begin = Clock::now();
  kubelet_.CutStreams();
  AwaitComeback(Stage::kCut, since, begin);
}

void Player::PlaySocketRemoved() {
  if (!Ready(Stage::kSocketRemoved, "socket removed")) return;
  const std::uint64_t since = kubelet_.newest();
  Comeback comeback{.stage = Stage::kSocketRemoved, .patience = settings_.patience};
  std::set<fs::path> sockets;
  for (const auto& [name, resource] : kubelet_.Resources()) {
    sockets.insert(settings_.paths.device_plugins() / resource.endpoint);
  }
  const TimePoint begin = Clock::now();
  std::error_code error;
  for (const fs::path& socket : sockets) fs::remove(socket, error);
  // Whoever keeps the stream and makes the socket anew has done enough.
  const auto reachable = [&] {
    return std::all_of(sockets.begin(), sockets.end(),
                       [](const fs::path& socket) { return Connects(socket).ok(); });
  };
  const bool back =
      Supervise([&] { return AllBack(since) || reachable(); }, settings_.patience, &comeback.ended);
  const Duration after = Clock::now() - begin;
  for (const std::string& name : expected_) {
    comeback.resources[name] = back ? std::optional(after) : std::nullopt;
  }
  seen_.comebacks.push_back(std::move(comeback));
}

void Player::PlayGrowth() {
  if (!Ready(Stage::kGrowth, "many restarts")) return;
  const int target = settings_.registrations.value_or(kMostRegistrations);
  const int warm_up = std::max(kWarmUpAtLeast, target / 10);
  Growth growth;
  TimePoint begin = Clock::now();
  const TimePoint start = begin;
  int before_at = -1;
  int done = 0;
  for (; done < target; ++done) {
    if (!settings_.registrations && Clock::now() - start > kGrowthBudget) break;
    const bool warm = settings_.registrations
                          ? done >= warm_up
                          : done >= kWarmUpAtLeast && Clock::now() - start >= kGrowthBudget / 10;
    if (before_at < 0 && warm) {
      growth.before = process_->Measure();
      begin = Clock::now();
      before_at = done;
    }
    const std::uint64_t since = kubelet_.newest();
    kubelet_.Kill();
    if (changes_.interrupted() || !kubelet_.Start().ok()) return;
    changes_.WaitFor([&] { return AllBack(since) || process_->exit(); }, settings_.patience);
    growth.process_changed = process_->exit().has_value();
    growth.gave_up = !growth.process_changed && !AllBack(since);
    if (growth.process_changed || growth.gave_up) break;
  }
  growth.registrations = done - std::max(0, before_at);
  growth.took = Clock::now() - begin;
  growth.after = process_->Measure();
  if (before_at < 0) growth.before = growth.after;  // it was never warm: too few to tell anything
  seen_.growth = growth;
  if (growth.process_changed || growth.gave_up) Recover();
}

void Player::PlayOverlap() {
  if (!Ready(Stage::kOverlap, "two instances")) return;
  Overlap overlap;
  const auto first = kubelet_.Resources();
  const std::uint64_t since = kubelet_.newest();
  std::unique_ptr<PluginProcess> second;
  if (!Launch(&second).ok()) return;
  changes_.WaitFor([&] { return AllBack(since) || second->exit(); }, settings_.patience);
  overlap.second_ended = second->exit();
  for (const auto& [name, resource] : kubelet_.Resources()) {
    const auto before = first.find(name);
    if (before == first.end() || resource.number <= since) continue;
    overlap.endpoints[name] = {before->second.endpoint, resource.endpoint};
  }
  process_->Signal(SIGTERM);
  changes_.WaitFor([&] { return process_->exit().has_value(); }, Stop().grace);
  process_ = std::move(second);
  AwaitComeback(Stage::kOverlap, since, Clock::now(), [this] { return Quiet(); });
  seen_.overlap = std::move(overlap);
}

void Player::PlayStop() {
  if (!Ready(Stage::kStop, "SIGTERM")) return;
  Stop stop;
  const auto before = kubelet_.Resources();
  const TimePoint begin = Clock::now();
  process_->Signal(SIGTERM);
  if (changes_.WaitFor([&] { return process_->exit().has_value(); }, stop.grace)) {
    stop.ended_after = Clock::now() - begin;
    stop.exit = *process_->exit();
    stop.streams_ended =
        changes_.WaitFor([&] { return kubelet_.open_streams() == 0; }, kAfterTheEnd);
    changes_.WaitFor([&] { return process_->Running().empty(); }, kAfterTheEnd);
  } else {
    stop.ended_after = std::nullopt;
  }
  stop.processes_left = static_cast<int>(process_->Running().size());
  for (const auto& [name, resource] : kubelet_.Resources()) {
    std::error_code error;
    const auto was = before.find(name);
    if (was == before.end()) continue;
    if (fs::is_socket(
            fs::symlink_status(settings_.paths.device_plugins() / was->second.endpoint, error))) {
      stop.sockets_left.push_back(was->second.endpoint);
    }
    if (resource.devices.empty() && !was->second.devices.empty()) stop.listed_nothing_last = true;
  }
  seen_.stop = std::move(stop);
  process_.reset();
}

void Player::PlayBeforeKubelet() {
  if (changes_.interrupted()) return;
  say_("start before the kubelet");
  process_.reset();
  kubelet_.Kill();
  kubelet_.SetStage(Stage::kBeforeKubelet);
  // A node that boots has no kubelet.sock yet.
  if (!PrepareFolder(settings_.paths).ok() || !Launch(&process_).ok()) return;
  const std::uint64_t since = kubelet_.newest();
  Hold(kAheadOfKubelet);
  if (!kubelet_.Start().ok()) return;
  AwaitComeback(Stage::kBeforeKubelet, since, Clock::now());
}

}  // namespace nodedevice::devicemanager::conformance
