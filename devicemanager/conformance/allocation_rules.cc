#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "devicemanager/conformance/rule_sets.h"
#include "devicemanager/conformance/words.h"

namespace nodedevice::devicemanager::conformance {
namespace {

using Kind = AllocateCall::Kind;
using Answer = v1beta1::ContainerAllocateResponse;

constexpr Duration kQuick = std::chrono::seconds(1);

std::string What(const AllocateCall& call) {
  return absl::StrCat(call.resource, " ", Ids(call.ids));
}

bool AsksForListedDevices(const AllocateCall& call) {
  return call.kind == Kind::kHealthy || call.kind == Kind::kReordered;
}

// What a kubelet reads of an answer to a call that it may make.
using Check = std::function<void(const AllocateCall&, const Answer&, Complaints&)>;

// `units`, counted by the check, are named in the praise; without one of them nothing applies.
Judgement OfEachAnswer(const Observation& seen, const Check& check, const std::size_t& units,
                       const std::string& unit) {
  Complaints complaints;
  std::size_t answers = 0;
  for (const AllocateCall& call : seen.allocations) {
    if (!AsksForListedDevices(call) || !call.outcome.ok()) continue;
    if (call.response.container_responses().empty()) continue;
    ++answers;
    check(call, call.response.container_responses(0), complaints);
  }
  if (answers == 0) return NotApplicable("nothing was allocated");
  if (complaints.empty() && units == 0)
    return NotApplicable(absl::StrCat("no ", unit, " in any answer"));
  return complaints.OrElse(absl::StrCat(Count(units, unit), " in ", Count(answers, "answer")));
}

Judgement Succeeds(const Observation& seen) {
  Complaints complaints;
  std::size_t calls = 0;
  for (const AllocateCall& call : seen.allocations) {
    // Two devices of a resource may be too many for one container by the plugin's own rules.
    if (call.kind != Kind::kHealthy || call.ids.size() != 1) continue;
    ++calls;
    if (call.outcome.ok()) continue;
    complaints.Add(absl::StrCat(What(call), ": ",
                                call.outcome.kind == Outcome::Kind::kTimedOut
                                    ? "no answer in " + Took(call.outcome.took)
                                    : call.outcome.error));
  }
  if (calls == 0) return NotApplicable("no healthy device was listed");
  return complaints.OrElse(Count(calls, "device"));
}

Judgement OneAnswer(const Observation& seen) {
  Complaints complaints;
  std::size_t calls = 0;
  for (const AllocateCall& call : seen.allocations) {
    if (!call.outcome.ok() || !AsksForListedDevices(call)) continue;
    ++calls;
    const int answers = call.response.container_responses_size();
    if (answers != 1) {
      complaints.Add(absl::StrCat(What(call), ": ", answers, " container responses"));
    }
  }
  if (calls == 0) return NotApplicable("nothing was allocated");
  return complaints.OrElse(absl::StrCat("one container response in ", Count(calls, "answer")));
}

Judgement Quick(const Observation& seen) {
  Complaints complaints;
  Duration longest = Duration::zero();
  std::size_t calls = 0;
  for (const AllocateCall& call : seen.allocations) {
    if (!AsksForListedDevices(call)) continue;
    ++calls;
    longest = std::max(longest, call.outcome.took);
    if (call.outcome.took > kQuick) {
      complaints.Add(absl::StrCat(What(call), " took ", Took(call.outcome.took)));
    }
  }
  if (calls == 0) return NotApplicable("nothing was allocated");
  return complaints.OrElse(absl::StrCat(Count(calls, "call"), ", ", Took(longest), " at most"));
}

bool Absolute(const std::string& path) { return path.starts_with('/'); }

Judgement AbsolutePaths(const Observation& seen) {
  std::size_t paths = 0;
  return OfEachAnswer(
      seen,
      [&](const AllocateCall& call, const Answer& answer, Complaints& complaints) {
        const auto look = [&](const std::string& path, const char* what) {
          ++paths;
          if (Absolute(path)) return;
          complaints.Add(absl::StrCat(What(call), ": ", what, " ", Quoted(path)));
        };
        for (const auto& device : answer.devices()) {
          look(device.host_path(), "host path of a device");
          look(device.container_path(), "container path of a device");
        }
        for (const auto& mount : answer.mounts()) {
          look(mount.host_path(), "host path of a mount");
          look(mount.container_path(), "container path of a mount");
        }
      },
      paths, "path");
}

Judgement Permissions(const Observation& seen) {
  std::size_t devices = 0;
  return OfEachAnswer(
      seen,
      [&](const AllocateCall& call, const Answer& answer, Complaints& complaints) {
        for (const auto& device : answer.devices()) {
          ++devices;
          const std::string& given = device.permissions();
          if (!given.empty() && given.find_first_not_of("rwm") == std::string::npos) continue;
          complaints.Add(absl::StrCat(What(call), ": ", Quoted(device.host_path()),
                                      " with permissions ", Quoted(given)));
        }
      },
      devices, "device node");
}

Judgement ContainerPaths(const Observation& seen) {
  std::size_t paths = 0;
  return OfEachAnswer(
      seen,
      [&](const AllocateCall& call, const Answer& answer, Complaints& complaints) {
        // The same thing twice at one place is the same thing.
        std::map<std::string, std::pair<std::string, std::string>> devices;
        std::map<std::string, std::pair<std::string, bool>> mounts;
        const auto complain = [&](const std::string& path) {
          complaints.Add(absl::StrCat(What(call), ": two different things at ", Quoted(path)));
        };
        for (const auto& device : answer.devices()) {
          ++paths;
          const std::pair content(device.host_path(), device.permissions());
          if (devices.try_emplace(device.container_path(), content).first->second != content) {
            complain(device.container_path());
          }
        }
        for (const auto& mount : answer.mounts()) {
          ++paths;
          const std::pair content(mount.host_path(), mount.read_only());
          if (mounts.try_emplace(mount.container_path(), content).first->second != content) {
            complain(mount.container_path());
          }
        }
      },
      paths, "container path");
}

Judgement EnvNames(const Observation& seen) {
  std::size_t envs = 0;
  return OfEachAnswer(
      seen,
      [&](const AllocateCall& call, const Answer& answer, Complaints& complaints) {
        for (const auto& [name, value] : answer.envs()) {
          ++envs;
          const bool bad_name = name.empty() || name.find('=') != std::string::npos ||
                                name.find('\0') != std::string::npos;
          if (!bad_name && value.find('\0') == std::string::npos) continue;
          complaints.Add(absl::StrCat(What(call), ": environment variable ", Quoted(name)));
        }
      },
      envs, "environment variable");
}

Judgement AnnotationKeys(const Observation& seen) {
  std::size_t annotations = 0;
  return OfEachAnswer(
      seen,
      [&](const AllocateCall& call, const Answer& answer, Complaints& complaints) {
        for (const auto& [key, value] : answer.annotations()) {
          ++annotations;
          const bool printable =
              std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
          if (printable && !key.empty()) continue;
          complaints.Add(absl::StrCat(What(call), ": annotation ", Quoted(key)));
        }
      },
      annotations, "annotation");
}

bool Letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool Alphanumeric(char c) { return Letter(c) || (c >= '0' && c <= '9'); }

// Begins with a letter or, for a device, a digit; ends alphanumeric; between them also `inner`.
bool NamePart(const std::string& part, bool digit_first, const std::string& inner) {
  if (part.empty() || !Alphanumeric(part.back())) return false;
  if (!Letter(part.front()) && !(digit_first && Alphanumeric(part.front()))) return false;
  return std::all_of(part.begin(), part.end(),
                     [&](char c) { return Alphanumeric(c) || inner.find(c) != std::string::npos; });
}

// "vendor.example/class=name", by the rules of the Container Device Interface.
bool QualifiedCdiName(const std::string& name) {
  const std::size_t equals = name.find('=');
  const std::size_t slash = name.find('/');
  if (equals == std::string::npos || slash == std::string::npos || slash > equals) return false;
  return NamePart(name.substr(0, slash), false, "_-.") &&
         NamePart(name.substr(slash + 1, equals - slash - 1), false, "_-") &&
         NamePart(name.substr(equals + 1), true, "_-.:");
}

Judgement CdiNames(const Observation& seen) {
  std::size_t names = 0;
  return OfEachAnswer(
      seen,
      [&](const AllocateCall& call, const Answer& answer, Complaints& complaints) {
        for (const auto& device : answer.cdi_devices()) {
          ++names;
          if (QualifiedCdiName(device.name())) continue;
          complaints.Add(absl::StrCat(What(call), ": CDI device ", Quoted(device.name())));
        }
      },
      names, "CDI device");
}

// The answer as a container sees it: the order of devices and mounts tells nothing.
using Content = std::tuple<std::map<std::string, std::string>, std::map<std::string, std::string>,
                           std::set<std::array<std::string, 3>>,
                           std::set<std::array<std::string, 3>>, std::set<std::string>>;

Content ContentOf(const AllocateCall& call) {
  Content content;
  if (call.response.container_responses().empty()) return content;
  auto& [envs, annotations, devices, mounts, cdi] = content;
  const Answer& answer = call.response.container_responses(0);
  envs.insert(answer.envs().begin(), answer.envs().end());
  annotations.insert(answer.annotations().begin(), answer.annotations().end());
  for (const auto& device : answer.devices()) {
    devices.insert({device.container_path(), device.host_path(), device.permissions()});
  }
  for (const auto& mount : answer.mounts()) {
    mounts.insert({mount.container_path(), mount.host_path(), mount.read_only() ? "ro" : "rw"});
  }
  for (const auto& device : answer.cdi_devices()) cdi.insert(device.name());
  return content;
}

Judgement AnyOrder(const Observation& seen) {
  Complaints complaints;
  std::size_t pairs = 0;
  for (std::size_t i = 1; i < seen.allocations.size(); ++i) {
    const AllocateCall& call = seen.allocations[i];
    const AllocateCall& before = seen.allocations[i - 1];
    if (call.kind != Kind::kReordered) continue;
    ++pairs;
    if (call.outcome.kind != before.outcome.kind) {
      complaints.Add(absl::StrCat(What(call), " ends otherwise than ", Ids(before.ids)));
    } else if (call.outcome.ok() && ContentOf(call) != ContentOf(before)) {
      complaints.Add(absl::StrCat(What(call), " is answered otherwise than ", Ids(before.ids)));
    }
  }
  if (pairs == 0) return NotApplicable("nothing was allocated twice");
  return complaints.OrElse(absl::StrCat(Count(pairs, "pair"), " of calls answered alike"));
}

Judgement UnknownId(const Observation& seen) {
  Complaints complaints;
  std::string refusal;
  bool interchangeable = false;
  for (const AllocateCall& call : seen.allocations) {
    if (call.kind != Kind::kUnknown) continue;
    if (call.outcome.kind == Outcome::Kind::kRefused) {
      refusal = call.outcome.error;
      continue;
    }
    // Devices that are all alike, such as shares of /dev/kvm, cannot be answered wrongly.
    const bool as_any = std::any_of(
        seen.allocations.begin(), seen.allocations.end(), [&](const AllocateCall& other) {
          return other.resource == call.resource && other.kind == Kind::kHealthy &&
                 other.ids.size() == 1 && other.outcome.ok() && ContentOf(other) == ContentOf(call);
        });
    if (call.outcome.ok() && as_any) {
      interchangeable = true;
      continue;
    }
    complaints.Add(absl::StrCat(What(call), call.outcome.ok() ? " was answered without an error"
                                                              : " was not answered in time"));
  }
  if (complaints.empty() && refusal.empty()) {
    return interchangeable ? Pass("answered as any of its devices")
                           : NotApplicable("no unknown id was asked for");
  }
  return complaints.OrElse(refusal);
}

Judgement UnhealthyId(const Observation& seen) {
  Complaints complaints;
  std::string refusal;
  for (const AllocateCall& call : seen.allocations) {
    if (call.kind != Kind::kUnhealthy) continue;
    if (call.outcome.kind == Outcome::Kind::kRefused) {
      refusal = call.outcome.error;
    } else {
      complaints.Add(absl::StrCat(What(call), call.outcome.ok() ? " was answered without an error"
                                                                : " was not answered in time"));
    }
  }
  if (complaints.empty() && refusal.empty()) return NotApplicable("no unhealthy device was listed");
  return complaints.OrElse(refusal);
}

Judgement PreStart(const Observation& seen) {
  Complaints complaints;
  Duration longest = Duration::zero();
  for (const PreStartCall& call : seen.pre_starts) {
    longest = std::max(longest, call.outcome.took);
    if (call.outcome.ok()) continue;
    complaints.Add(
        absl::StrCat(call.resource, ": ", call.outcome.error, " after ", Took(call.outcome.took)));
  }
  if (seen.pre_starts.empty()) {
    return NotApplicable("the options do not ask for it, or nothing was allocated");
  }
  return complaints.OrElse(absl::StrCat("answered within ", Took(longest)));
}

}  // namespace

std::vector<Rule> AllocationRules() {
  return {
      {"allocate/succeeds", Severity::kMust,
       "A pod whose Allocate fails is rejected and not tried again; without an answer it holds up "
       "every pod of the node.",
       Succeeds},
      {"allocate/one-answer", Severity::kMust,
       "One request holds one container; a kubelet reads the first container response and rejects "
       "the pod when there is none.",
       OneAnswer},
      {"allocate/quick", Severity::kShould,
       "A kubelet calls Allocate without a deadline, under the lock that admits pods.", Quick},
      {"allocate/absolute-paths", Severity::kMust,
       "Paths go to the container runtime as they are, and it has no folder to begin at.",
       AbsolutePaths},
      {"allocate/permissions", Severity::kMust,
       "A device node needs permissions of r, w and m; the container runtime fails without.",
       Permissions},
      {"allocate/container-paths", Severity::kMust,
       "Of two devices, or two mounts, at one container path a kubelet takes the first and drops "
       "the other.",
       ContainerPaths},
      {"allocate/env-names", Severity::kMust,
       "Variables go to the container runtime as NAME=VALUE, unchecked.", EnvNames},
      {"allocate/annotation-keys", Severity::kShould,
       "Annotations go to the container runtime unchecked, and hooks find them by key.",
       AnnotationKeys},
      {"allocate/cdi-names", Severity::kMust,
       "The container runtime resolves vendor.example/class=name and fails for anything else.",
       CdiNames},
      {"allocate/any-order", Severity::kShould,
       "A kubelet keeps ids in sets: they come in any order, and again after a pod is gone.",
       AnyOrder},
      {"allocate/unknown-id", Severity::kShould,
       "A device that goes while a pod is admitted may still be asked for; an answer without it "
       "starts a container that lacks it.",
       UnknownId},
      {"allocate/unhealthy-id", Severity::kShould,
       "A device that fails while a pod is admitted may still be asked for.", UnhealthyId},
      {"prestart/answers", Severity::kMust,
       "Where the options require it, a kubelet calls PreStartContainer before each start and "
       "gives "
       "it 30 s; the container does not start otherwise.",
       PreStart},
  };
}

}  // namespace nodedevice::devicemanager::conformance
