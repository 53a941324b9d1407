#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "devicemanager/conformance/rule_sets.h"
#include "devicemanager/conformance/words.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr Duration kPromptly = std::chrono::seconds(1);

const Comeback* Find(const Observation& seen, Stage stage) {
  const auto found =
      std::find_if(seen.comebacks.begin(), seen.comebacks.end(),
                   [&](const Comeback& comeback) { return comeback.stage == stage; });
  return found == seen.comebacks.end() || found->resources.empty() ? nullptr : &*found;
}

std::string Restarts(const Comeback& comeback) {
  if (comeback.ended.empty()) return "";
  return absl::StrCat("; the process ", ToString(comeback.ended.front()),
                      " and was started again, as a DaemonSet does");
}

Duration Slowest(const Comeback& comeback) {
  Duration slowest = Duration::zero();
  for (const auto& [resource, after] : comeback.resources) {
    slowest = std::max(slowest, after.value_or(comeback.patience));
  }
  return slowest;
}

// Every resource is registered and listed again.
Judgement CameBack(const Observation& seen, Stage stage) {
  const Comeback* const comeback = Find(seen, stage);
  if (comeback == nullptr) return NotApplicable("not played");
  Complaints complaints;
  for (const auto& [resource, after] : comeback->resources) {
    if (after) continue;
    complaints.Add(absl::StrCat(resource, " is not registered and listed after ",
                                Took(comeback->patience), Restarts(*comeback)));
  }
  return complaints.OrElse(absl::StrCat(Count(comeback->resources.size(), "resource"),
                                        " registered and listed after ", Took(Slowest(*comeback)),
                                        Restarts(*comeback)));
}

Judgement AfterRestart(const Observation& seen) { return CameBack(seen, Stage::kRestart); }
Judgement AfterRefusing(const Observation& seen) { return CameBack(seen, Stage::kRefusing); }
Judgement SlowKubelet(const Observation& seen) {
  if (seen.registrations.empty() && !seen.discoveries.empty()) {
    return NotApplicable("it registers by a socket in plugins_registry: no call of its own waits");
  }
  return CameBack(seen, Stage::kSlowKubelet);
}
Judgement RefusedOnce(const Observation& seen) { return CameBack(seen, Stage::kRefusedOnce); }
Judgement AfterCut(const Observation& seen) { return CameBack(seen, Stage::kCut); }
Judgement SocketRemoved(const Observation& seen) { return CameBack(seen, Stage::kSocketRemoved); }
Judgement BeforeKubelet(const Observation& seen) { return CameBack(seen, Stage::kBeforeKubelet); }

Judgement Overlapping(const Observation& seen) {
  if (seen.overlap && seen.overlap->second_ended) {
    const Judgement judgement = CameBack(seen, Stage::kOverlap);
    return {judgement.verdict, absl::StrCat(judgement.seen, "; a second instance beside the first ",
                                            ToString(*seen.overlap->second_ended))};
  }
  return CameBack(seen, Stage::kOverlap);
}

Judgement Promptly(const Observation& seen) {
  const Comeback* const comeback = Find(seen, Stage::kRestart);
  if (comeback == nullptr) return NotApplicable("not played");
  Complaints complaints;
  for (const auto& [resource, after] : comeback->resources) {
    if (!after) {
      complaints.Add(absl::StrCat(resource, ": not within ", Took(comeback->patience)));
    } else if (*after > kPromptly) {
      complaints.Add(absl::StrCat(resource, ": ", Took(*after)));
    }
  }
  return complaints.OrElse(Took(Slowest(*comeback)));
}

Judgement SameProcess(const Observation& seen) {
  Complaints complaints;
  std::size_t played = 0;
  for (const Stage stage :
       {Stage::kRestart, Stage::kRefusing, Stage::kSlowKubelet, Stage::kRefusedOnce}) {
    const Comeback* const comeback = Find(seen, stage);
    if (comeback == nullptr) continue;
    ++played;
    for (const ChildExit& exit : comeback->ended) {
      complaints.Add(absl::StrCat("the process ", ToString(exit)));
    }
  }
  if (played == 0) return NotApplicable("not played");
  return complaints.OrElse(absl::StrCat("one process through ", Count(played, "restart")));
}

Judgement SocketDiffers(const Observation& seen) {
  if (!seen.overlap) return NotApplicable("not played");
  if (seen.overlap->endpoints.empty()) {
    return NotApplicable("no second instance registered beside the first");
  }
  Complaints complaints;
  std::vector<std::string> told;
  for (const auto& [resource, endpoints] : seen.overlap->endpoints) {
    const auto& [first, second] = endpoints;
    told.push_back(absl::StrCat(Quoted(first), " and ", Quoted(second)));
    if (first == second) {
      complaints.Add(absl::StrCat("both instances serve ", resource, " on ", Quoted(first)));
    }
  }
  return complaints.OrElse(absl::StrJoin(told, ", "));
}

Judgement Noticed(const Observation& seen, std::optional<Duration> Hotplug::*what,
                  std::optional<Duration> limit, const std::string& verb) {
  if (!seen.hotplug) return NotApplicable("no --device was given");
  const Hotplug& hotplug = *seen.hotplug;
  const std::optional<Duration>& after = hotplug.*what;
  if (!after) {
    return Fail(absl::StrCat(hotplug.path, " ", verb, " and no other list came in ",
                             Took(hotplug.patience), ", if it is one that the plugin announces"));
  }
  const std::string text =
      absl::StrCat("listed ", Took(*after), " after ", hotplug.path, " ", verb);
  return limit && *after > *limit ? Fail(text) : Pass(text);
}

Judgement RemovalListed(const Observation& seen) {
  return Noticed(seen, &Hotplug::removal_listed, std::nullopt, "was gone");
}
Judgement ReturnListed(const Observation& seen) {
  if (seen.hotplug && !seen.hotplug->removal_listed) {
    return NotApplicable("its removal was not noticed");
  }
  return Noticed(seen, &Hotplug::return_listed, std::nullopt, "was back");
}
Judgement HotplugPromptly(const Observation& seen) {
  Judgement removal = Noticed(seen, &Hotplug::removal_listed, kPromptly, "was gone");
  if (removal.verdict != Verdict::kPass) return removal;
  Judgement back = Noticed(seen, &Hotplug::return_listed, kPromptly, "was back");
  if (back.verdict != Verdict::kPass) return back;
  return Pass(absl::StrCat(Took(*seen.hotplug->removal_listed), " and ",
                           Took(*seen.hotplug->return_listed)));
}

}  // namespace

std::vector<Rule> ComebackRules() {
  return {
      {"hotplug/removal-listed", Severity::kMust,
       "A kubelet hands out what was listed last: a pod gets a device that is not there.",
       RemovalListed},
      {"hotplug/return-listed", Severity::kMust,
       "A device that is not listed as healthy again is lost to pods.", ReturnListed},
      {"hotplug/promptly", Severity::kShould,
       "Until the list comes, pods are admitted for a device that is gone, and fail.",
       HotplugPromptly},
      {"restart/registers-again", Severity::kMust,
       "A kubelet that starts removes every socket in its folder and knows no plugin until it "
       "registers.",
       AfterRestart},
      {"restart/promptly", Severity::kShould,
       "From its start until a plugin has registered, a kubelet shows 0 of its resource and "
       "rejects "
       "pods that need one.",
       Promptly},
      {"restart/after-refusals", Severity::kMust,
       "A kubelet that is down leaves kubelet.sock behind, and it refuses connections until the "
       "next start.",
       AfterRefusing},
      {"restart/same-process", Severity::kShould,
       "A plugin that ends over a kubelet that goes, comes or refuses is away for as long as its "
       "supervisor makes it wait.",
       SameProcess},
      {"slow-kubelet/registers", Severity::kMust,
       "A kubelet has no deadline for its answer to Register: connecting back alone may take 10 s.",
       SlowKubelet},
      {"refused/registers-again", Severity::kMust,
       "Register can fail for a moment (\"grpc: the client connection is closing\"); a kubelet "
       "does "
       "not come back to it.",
       RefusedOnce},
      {"stream/registers-again", Severity::kMust,
       "A kubelet never dials again after ListAndWatch has ended: the resource has nothing "
       "allocatable until the plugin registers.",
       AfterCut},
      {"socket/serves-again", Severity::kShould,
       "A plugin cannot be reached, nor registered again, once its socket file is gone.",
       SocketRemoved},
      {"overlap/socket-differs", Severity::kShould,
       "Newer kubelets refuse a second endpoint at the socket of the first, and of two instances "
       "with one name the first removes the other's socket.",
       SocketDiffers},
      {"overlap/resource-stays", Severity::kMust,
       "When the stream of an older instance ends, a kubelet up to 1.36 disconnects the newer one "
       "with it.",
       Overlapping},
      {"start/waits-for-kubelet", Severity::kShould,
       "A plugin that does not run as a pod may start before the kubelet, which then removes its "
       "socket.",
       BeforeKubelet},
  };
}

}  // namespace nodedevice::devicemanager::conformance
