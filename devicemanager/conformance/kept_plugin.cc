#include "devicemanager/conformance/kept_plugin.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nodedevice::devicemanager::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kQuiet = milliseconds(500);      // after which no more resources are expected
constexpr Duration kFirstListWithin = seconds(21);  // one more than list/arrives judges by
constexpr Duration kAllRefused = seconds(3);  // after which the first refusal is the last word
constexpr Duration kStartAgain = seconds(1);
constexpr int kStartsAgainAtMost = 5;

}  // namespace

KeptPlugin::KeptPlugin(EventLoop& loop, KeptPluginSettings settings, Changes& changes,
                       std::function<void(const std::string&)> say)
    : loop_(loop),
      settings_(std::move(settings)),
      changes_(changes),
      say_(std::move(say)),
      kubelet_(loop_, settings_.paths, changes_) {}

absl::Status KeptPlugin::Launch(std::unique_ptr<PluginProcess>* process) const {
  ASSIGN_OR_RETURN(*process, PluginProcess::Start(settings_.command, settings_.log, changes_));
  return absl::OkStatus();
}

absl::Status KeptPlugin::Begin(Duration start_limit) {
  say_("start");
  RETURN_IF_ERROR(kubelet_.Start());
  RETURN_IF_ERROR(Launch(&process_));
  const auto came = [&] { return calls_register() || in_registry() || !kubelet_.settled(); };
  changes_.WaitFor([&] { return came() || ended(); }, start_limit);
  if (changes_.interrupted()) return absl::CancelledError("interrupted");
  if (!came()) {
    if (ended()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the plugin ", ToString(*process_->exit()), " before it called Register"));
    }
    return absl::DeadlineExceededError(
        absl::StrCat("no Register call came on ", settings_.paths.registration_socket().native(),
                     ", and on no socket in ", settings_.paths.plugins_registry().native(),
                     " did a plugin answer, in ", start_limit / seconds(1), " s"));
  }
  // Its other resources, and the first lists.
  const TimePoint first = Clock::now();
  const auto refused = [&] {
    return Clock::now() - first > kAllRefused && kubelet_.Resources().empty() && kubelet_.settled();
  };
  changes_.WaitFor([&] { return Quiet() || refused() || ended(); }, kFirstListWithin);
  for (const auto& [name, resource] : kubelet_.Resources()) {
    if (resource.listed) expected_.insert(name);
  }
  NoteDeath(Stage::kStart, "its start", false);
  return absl::OkStatus();
}

bool KeptPlugin::Quiet() const {
  const auto resources = kubelet_.Resources();
  return Clock::now() - kubelet_.last_heard() >= kQuiet && !resources.empty() &&
         kubelet_.settled() && kubelet_.open_streams() == resources.size() &&
         std::all_of(resources.begin(), resources.end(), [](const auto& resource) {
           return resource.second.streaming && resource.second.listed;
         });
}

bool KeptPlugin::IsBack(const std::string& resource, std::uint64_t since) const {
  const auto resources = kubelet_.Resources();
  const auto found = resources.find(resource);
  return found != resources.end() && found->second.number > since && found->second.streaming &&
         found->second.listed;
}

bool KeptPlugin::AllBack(std::uint64_t since) const {
  return std::all_of(expected_.begin(), expected_.end(),
                     [&](const std::string& resource) { return IsBack(resource, since); });
}

void KeptPlugin::Hold(Duration duration) {
  changes_.WaitFor([] { return false; }, duration);
}

void KeptPlugin::NoteDeath(Stage stage, const std::string& doing, bool impossible_request) {
  const std::optional<ChildExit> exit = process_->exit();
  if (!exit) return;
  seen_.deaths.push_back(
      {.stage = stage, .impossible_request = impossible_request, .doing = doing, .exit = *exit});
  Recover();
}

bool KeptPlugin::Recover() {
  process_.reset();
  const std::uint64_t since = kubelet_.newest();
  if (!kubelet_.running() && !kubelet_.Start().ok()) return false;
  if (!Launch(&process_).ok()) return false;
  std::vector<ChildExit> ended;
  return Supervise([&] { return AllBack(since); }, settings_.patience, &ended);
}

bool KeptPlugin::Ready(Stage stage, const std::string& what) {
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

bool KeptPlugin::Supervise(const std::function<bool()>& fact, Duration limit,
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

void KeptPlugin::AwaitComeback(Stage stage, std::uint64_t since, TimePoint begin,
                               const std::function<bool()>& settled) {
  Comeback comeback{.stage = stage, .patience = settings_.patience};
  Supervise([&] { return AllBack(since) && kubelet_.settled() && settled(); }, settings_.patience,
            &comeback.ended);
  const auto resources = kubelet_.Resources();
  for (const std::string& name : expected_) {
    comeback.resources[name] =
        IsBack(name, since)
            ? std::optional(std::max(Duration::zero(), resources.at(name).listed_at - begin))
            : std::nullopt;
  }
  seen_.comebacks.push_back(std::move(comeback));
}

Observation KeptPlugin::End() {
  process_.reset();
  kubelet_.Kill();
  seen_.registrations = kubelet_.Registrations();
  seen_.discoveries = kubelet_.Discoveries();
  seen_.streams = kubelet_.Streams();
  return std::move(seen_);
}

}  // namespace nodedevice::devicemanager::conformance
