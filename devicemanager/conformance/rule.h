#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "devicemanager/conformance/observation.h"

namespace nodedevice::devicemanager::conformance {

enum class Severity {
  kMust,    // broken: a pod fails, or a resource is lost until somebody steps in
  kShould,  // broken: slower, untidy or at risk, and nothing is lost by it alone
};

enum class Verdict { kPass, kFail, kNotApplicable };

// What a rule says of an observation. `seen` is for people: the figures, or why it does not apply.
struct Judgement {
  Verdict verdict = Verdict::kPass;
  std::string seen;
};

// One rule. Its name is stable: "<topic>/<name>".
struct Rule {
  std::string_view name;
  Severity severity;
  std::string_view law;  // what of the kubelet it stands on, in one sentence
  Judgement (*judge)(const Observation&);
};

// "restart" of "restart/registers-again".
std::string_view TopicOf(std::string_view name);

// Every rule, in the order of the report.
const std::vector<Rule>& AllRules();

// The topics, in the same order, each once.
std::vector<std::string_view> AllTopics();

struct Finding {
  const Rule* rule;
  Judgement judgement;
};

// What every rule says of an observation. Pure.
std::vector<Finding> Judge(const Observation& observation);

}  // namespace nodedevice::devicemanager::conformance
