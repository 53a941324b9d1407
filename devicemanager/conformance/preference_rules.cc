#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "devicemanager/conformance/rule_sets.h"
#include "devicemanager/conformance/words.h"

namespace nodedevice::devicemanager::conformance {
namespace {

using Kind = PreferredCall::Kind;

Judgement NotOffered() {
  return NotApplicable("the options do not offer it, or there are not two healthy devices");
}

std::string What(const PreferredCall& call) {
  return absl::StrCat(
      call.resource, ", ", call.size, " of ", Ids(call.available),
      call.must_include.empty() ? "" : absl::StrCat(" with ", Ids(call.must_include)));
}

Judgement Answers(const Observation& seen) {
  Complaints complaints;
  Duration longest = Duration::zero();
  std::size_t calls = 0;
  for (const PreferredCall& call : seen.preferences) {
    if (call.kind == Kind::kImpossible) continue;
    ++calls;
    longest = std::max(longest, call.outcome.took);
    if (!call.outcome.ok()) complaints.Add(absl::StrCat(What(call), ": ", call.outcome.error));
  }
  if (calls == 0) return NotOffered();
  return complaints.OrElse(absl::StrCat(Count(calls, "call"), ", ", Took(longest), " at most"));
}

// Of calls that a kubelet makes and that were answered.
template <typename Check>
Judgement OfEachAnswer(const Observation& seen, const Check& wrong) {
  Complaints complaints;
  std::size_t answers = 0;
  for (const PreferredCall& call : seen.preferences) {
    if (call.kind == Kind::kImpossible || !call.outcome.ok()) continue;
    ++answers;
    if (wrong(call)) {
      complaints.Add(absl::StrCat(What(call), " is answered with ", Ids(call.ids)));
    }
  }
  if (answers == 0) return NotOffered();
  return complaints.OrElse(Count(answers, "answer"));
}

bool Contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

Judgement Size(const Observation& seen) {
  return OfEachAnswer(seen, [](const PreferredCall& call) {
    return call.ids.size() != static_cast<std::size_t>(call.size);
  });
}

Judgement MustInclude(const Observation& seen) {
  return OfEachAnswer(seen, [](const PreferredCall& call) {
    return !std::all_of(call.must_include.begin(), call.must_include.end(),
                        [&](const std::string& id) { return Contains(call.ids, id); });
  });
}

Judgement OnlyOffered(const Observation& seen) {
  return OfEachAnswer(seen, [](const PreferredCall& call) {
    return !std::all_of(call.ids.begin(), call.ids.end(),
                        [&](const std::string& id) { return Contains(call.available, id); });
  });
}

Judgement NoDuplicates(const Observation& seen) {
  return OfEachAnswer(seen, [](const PreferredCall& call) {
    return std::set<std::string>(call.ids.begin(), call.ids.end()).size() != call.ids.size();
  });
}

Judgement AnyOrder(const Observation& seen) {
  Complaints complaints;
  std::size_t pairs = 0;
  for (std::size_t i = 1; i < seen.preferences.size(); ++i) {
    const PreferredCall& call = seen.preferences[i];
    const PreferredCall& before = seen.preferences[i - 1];
    if (call.kind != Kind::kReordered || !call.outcome.ok() || !before.outcome.ok()) continue;
    ++pairs;
    if (std::set<std::string>(call.ids.begin(), call.ids.end()) !=
        std::set<std::string>(before.ids.begin(), before.ids.end())) {
      complaints.Add(absl::StrCat(What(call), " gives ", Ids(call.ids), ", and in another order ",
                                  Ids(before.ids)));
    }
  }
  if (pairs == 0) return NotOffered();
  return complaints.OrElse(absl::StrCat(Count(pairs, "pair"), " of calls answered alike"));
}

Judgement Impossible(const Observation& seen) {
  Complaints complaints;
  std::string answer;
  for (const Death& death : seen.deaths) {
    if (death.impossible_request) {
      complaints.Add(absl::StrCat(death.doing, ": the plugin ", ToString(death.exit)));
    }
  }
  for (const PreferredCall& call : seen.preferences) {
    if (call.kind != Kind::kImpossible) continue;
    if (call.outcome.kind == Outcome::Kind::kTimedOut) {
      complaints.Add(absl::StrCat(What(call), ": no answer in ", Took(call.outcome.took)));
    }
    answer = call.outcome.ok() ? absl::StrCat("answered with ", Ids(call.ids)) : call.outcome.error;
  }
  if (answer.empty() && complaints.empty()) return NotOffered();
  return complaints.OrElse(answer);
}

}  // namespace

std::vector<Rule> PreferenceRules() {
  return {
      {"preferred/answers", Severity::kMust,
       "A pod is rejected when GetPreferredAllocation, which the options offer, fails.", Answers},
      {"preferred/size", Severity::kShould,
       "A kubelet cuts an answer that is too long and fills up one that is too short, as it likes.",
       Size},
      {"preferred/must-include", Severity::kShould,
       "The devices that must be included are the container's already; an answer without them "
       "prefers something else.",
       MustInclude},
      {"preferred/only-offered", Severity::kShould, "A kubelet ignores ids that it did not offer.",
       OnlyOffered},
      {"preferred/no-duplicates", Severity::kShould,
       "A kubelet makes a set of the answer: an id that comes twice counts once.", NoDuplicates},
      {"preferred/any-order", Severity::kShould,
       "A kubelet offers ids in any order; equal pods get unlike devices when it matters.",
       AnyOrder},
      {"preferred/impossible", Severity::kShould,
       "A kubelet never asks for more than it offers; a plugin that ends over it has no margin.",
       Impossible},
  };
}

}  // namespace nodedevice::devicemanager::conformance
