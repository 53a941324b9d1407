#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "devicemanager/conformance/rule_sets.h"
#include "devicemanager/conformance/words.h"
#include "lib/kubelet/resource_name.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr char kVersion[] = "v1beta1";

Judgement NoRegistration(const Observation& seen) {
  return NotApplicable(seen.discoveries.empty()
                           ? "no Register call came"
                           : "it registers by a socket in plugins_registry instead");
}

Judgement NoneGotSoFar(const Observation& seen) {
  if (seen.registrations.empty()) return NoRegistration(seen);
  return NotApplicable("no Register call got so far");
}

Judgement Version(const Observation& seen) {
  if (seen.registrations.empty()) return NoRegistration(seen);
  Complaints complaints;
  for (const Registration& call : seen.registrations) {
    if (call.version != kVersion) {
      complaints.Add(absl::StrCat(call.resource, " registers with version ", Quoted(call.version)));
    }
  }
  return complaints.OrElse(kVersion);
}

Judgement ResourceName(const Observation& seen) {
  if (seen.registrations.empty()) return NoRegistration(seen);
  Complaints complaints;
  std::set<std::string> names;
  for (const Registration& call : seen.registrations) {
    names.insert(call.resource);
    const absl::Status valid = ValidateExtendedResourceName(call.resource);
    if (!valid.ok()) complaints.Add(std::string(valid.message()));
  }
  return complaints.OrElse(absl::StrJoin(names, ", "));
}

Judgement Endpoint(const Observation& seen) {
  if (seen.registrations.empty()) return NoRegistration(seen);
  Complaints complaints;
  for (const Registration& call : seen.registrations) {
    const std::string& name = call.endpoint;
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
      complaints.Add(absl::StrCat(call.resource, " gives ", Quoted(name), " as its endpoint"));
    }
  }
  return complaints.OrElse(Quoted(seen.registrations.front().endpoint));
}

// Later the plugin may be in the middle of beginning anew when it is dialled, or a kubelet or
// another instance has just removed its socket; whether it is registered in the end is what counts
// then.
bool AtStart(const Registration& call) { return call.stage == Stage::kStart; }

Judgement AnswersDial(const Observation& seen) {
  Complaints complaints;
  std::size_t dialled = 0;
  for (const Registration& call : seen.registrations) {
    if (!call.dialled || !AtStart(call)) continue;
    ++dialled;
    if (!call.dialled->ok()) {
      complaints.Add(absl::StrCat("nobody answers on the endpoint ", Quoted(call.endpoint), " of ",
                                  call.resource, " within ", Took(call.dialled->took)));
    }
  }
  if (dialled == 0) return NoneGotSoFar(seen);
  return complaints.OrElse(Count(dialled, "connection"));
}

Judgement ServesBeforeRegister(const Observation& seen) {
  Complaints complaints;
  std::size_t calls = 0;
  for (const Registration& call : seen.registrations) {
    if (!call.dialled || !AtStart(call)) continue;
    ++calls;
    if (call.served_at_once || !call.dialled->ok()) continue;
    complaints.Add(absl::StrCat(call.resource, " called Register before it listened on ",
                                Quoted(call.endpoint), "; it did ", Took(call.dialled->took),
                                " later"));
  }
  if (calls == 0) return NoneGotSoFar(seen);
  return complaints.OrElse(absl::StrCat("its socket answered at ", Count(calls, "Register call")));
}

Judgement OptionsWhileRegistering(const Observation& seen) {
  Complaints complaints;
  std::size_t asked = 0;
  Duration longest = Duration::zero();
  for (const Registration& call : seen.registrations) {
    if (!call.asked || !AtStart(call)) continue;
    ++asked;
    longest = std::max(longest, call.asked->took);
    if (!call.asked->ok()) {
      complaints.Add(
          absl::StrCat(call.resource, ": ", call.asked->error, " after ", Took(call.asked->took)));
    }
  }
  if (asked == 0) return NoneGotSoFar(seen);
  return complaints.OrElse(absl::StrCat("answered within ", Took(longest)));
}

std::string Text(const Options& options) {
  std::vector<std::string> set;
  if (options.pre_start_required) set.emplace_back("pre_start_required");
  if (options.preferred_allocation_available) {
    set.emplace_back("get_preferred_allocation_available");
  }
  return set.empty() ? "none" : absl::StrJoin(set, " and ");
}

Judgement OptionsAgree(const Observation& seen) {
  Complaints complaints;
  std::size_t compared = 0;
  Options answered;
  for (const Registration& call : seen.registrations) {
    if (!call.told || !call.asked || !call.asked->ok()) continue;
    ++compared;
    answered = call.options;
    if (*call.told != call.options) {
      complaints.Add(absl::StrCat(call.resource, " registers with options ", Text(*call.told),
                                  " and answers ", Text(call.options)));
    }
  }
  if (seen.registrations.empty()) return NoRegistration(seen);
  if (compared == 0) return NotApplicable("Register carries no options");
  return complaints.OrElse(absl::StrCat("options: ", Text(answered)));
}

Judgement NotWhileStreaming(const Observation& seen) {
  Complaints complaints;
  std::size_t calls = 0;
  for (const Registration& call : seen.registrations) {
    // With two instances it cannot be otherwise; with a slow kubelet a caller may have given up.
    if (call.stage == Stage::kOverlap || call.stage == Stage::kSlowKubelet) continue;
    ++calls;
    if (call.streaming_already) {
      complaints.Add(
          absl::StrCat(call.resource, " registered again while its earlier stream was still open"));
    }
  }
  if (calls == 0) return NoRegistration(seen);
  return complaints.OrElse(Count(calls, "Register call"));
}

}  // namespace

std::vector<Rule> RegistrationRules() {
  return {
      {"register/version", Severity::kMust,
       "A kubelet refuses every Register whose version is not v1beta1.", Version},
      {"register/resource-name", Severity::kMust,
       "A kubelet refuses a name that is no extended resource name, such as example.com/thing.",
       ResourceName},
      {"register/endpoint", Severity::kShould,
       "The endpoint is a file name in the kubelet's folder; a kubelet joins the two and does not "
       "confine what comes out.",
       Endpoint},
      {"register/answers-dial", Severity::kMust,
       "Before it answers Register, a kubelet connects to the endpoint; after 10 s without success "
       "Register fails.",
       AnswersDial},
      {"register/serves-before-register", Severity::kShould,
       "A kubelet that finds nobody on the endpoint tries again a second later, and answers "
       "Register only then.",
       ServesBeforeRegister},
      {"register/options-while-registering", Severity::kMust,
       "A kubelet calls GetDevicePluginOptions while the plugin's Register call is still waiting, "
       "and fails that call with it.",
       OptionsWhileRegistering},
      {"register/options-agree", Severity::kShould,
       "A kubelet ignores the options in Register and believes GetDevicePluginOptions.",
       OptionsAgree},
      {"register/not-while-streaming", Severity::kShould,
       "When the older of two streams of a resource ends, a kubelet disconnects the newer one.",
       NotWhileStreaming},
  };
}

}  // namespace nodedevice::devicemanager::conformance
