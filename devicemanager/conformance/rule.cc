#include "devicemanager/conformance/rule.h"

#include <utility>

#include "devicemanager/conformance/rule_sets.h"
#include "lib/base/utf8.h"

namespace nodedevice::devicemanager::conformance {
namespace {

// A plugin's own words are part of it, and may be long or hold anything.
constexpr std::size_t kLongestSeen = 600;

}  // namespace

std::string_view TopicOf(std::string_view name) { return name.substr(0, name.find('/')); }

const std::vector<Rule>& AllRules() {
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> all;
    for (const auto set : {RegistrationRules, RegistryRules, ListRules, AllocationRules,
                           PreferenceRules, ComebackRules, ProcessRules}) {
      const std::vector<Rule> some = set();
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return rules;
}

std::vector<std::string_view> AllTopics() {
  std::vector<std::string_view> topics;
  for (const Rule& rule : AllRules()) {
    const std::string_view topic = TopicOf(rule.name);
    if (topics.empty() || topics.back() != topic) topics.push_back(topic);
  }
  return topics;
}

std::vector<Finding> Judge(const Observation& observation) {
  std::vector<Finding> findings;
  for (const Rule& rule : AllRules()) {
    Judgement judgement = rule.judge(observation);
    judgement.seen = OneLine(judgement.seen, kLongestSeen);
    findings.push_back({&rule, std::move(judgement)});
  }
  return findings;
}

}  // namespace nodedevice::devicemanager::conformance
