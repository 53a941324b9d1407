#include "tests/support/mco/kubelet_config_controller.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/label_selector.h"
#include "tests/support/mco/machine_configs.h"
#include "tests/support/mco/refused_fields.h"

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

constexpr int kLargestSuffix = 9;
constexpr std::size_t kHistory = 3;  // conditions that are kept

bool IsFor(const Json& config, const Json& pool) {
  const LabelSelector selector(ValueAt(config, "/spec/machineConfigPoolSelector"));
  return !selector.is_empty() && selector.Selects(LabelsOf(pool));
}

std::optional<std::string> SuffixOf(const Json& config) {
  const Json& annotations = ValueAt(config, "/metadata/annotations");
  if (!annotations.is_object() || !annotations.contains(kSuffixAnnotation)) return std::nullopt;
  return annotations[kSuffixAnnotation].get<std::string>();
}

// The suffix that a KubeletConfig has, or gets as the newest of those of a pool; nullopt: there are
// no more. Suffixes are not given twice: the newest is always the last in order of names.
std::optional<std::string> SuffixFor(const Cluster& cluster, const Json& config, const Json& pool) {
  if (auto known = SuffixOf(config)) return known;
  int others = 0;
  int largest = 0;
  for (const Json& other : cluster.kubelet_configs) {
    if (NameOf(other) == NameOf(config) || !IsFor(other, pool)) continue;
    ++others;
    int number = 0;
    if (absl::SimpleAtoi(SuffixOf(other).value_or(""), &number))
      largest = std::max(largest, number);
  }
  if (others == 0) return "";
  if (largest + 1 > kLargestSuffix) return std::nullopt;
  return std::to_string(largest + 1);
}

std::string GeneratedName(const Json& pool, const std::string& suffix) {
  return absl::StrCat("99-", NameOf(pool), "-generated-kubelet", suffix.empty() ? "" : "-", suffix);
}

// The whole map is replaced: what others noted there is gone.
Json OnlyAnnotation(const Json& config, const std::string& suffix) {
  Json annotations = Json::object();
  const Json& known = ValueAt(config, "/metadata/annotations");
  if (known.is_object()) {
    for (const auto& [key, value] : known.items()) annotations[key] = nullptr;
  }
  annotations[kSuffixAnnotation] = suffix;
  return {{"metadata", {{"annotations", std::move(annotations)}}}};
}

std::vector<std::string> FinalizersOf(const Json& config) {
  std::vector<std::string> finalizers;
  for (const Json& finalizer : ListAt(config, "/metadata/finalizers")) {
    if (finalizer.is_string()) finalizers.push_back(finalizer.get<std::string>());
  }
  return finalizers;
}

Json FinalizersPatch(const std::vector<std::string>& finalizers) {
  return {{"metadata", {{"finalizers", finalizers}}}};
}

// One finalizer that is of no kubelet, and all are taken for rubbish.
std::vector<std::string> WithoutForeign(std::vector<std::string> finalizers) {
  const auto is_ours = [](const std::string& name) { return absl::StrContains(name, "kubelet"); };
  if (!std::ranges::all_of(finalizers, is_ours)) finalizers.clear();
  return finalizers;
}

void WriteMachineConfig(const Cluster& cluster, Json wanted, Writes& writes) {
  const Json* known = Find(cluster.machine_configs, NameOf(wanted));
  if (known == nullptr) {
    writes.push_back(Create(kMachineConfigs, std::move(wanted)));
  } else if (ValueAt(*known, "/spec") != wanted["spec"]) {
    writes.push_back(Patch(kMachineConfigs, wanted, {{"spec", wanted["spec"]}}));
  }
}

// Takes the first finalizer for the name of a MachineConfig of its own, whosever it is.
void TearDown(const Cluster& cluster, const Json& config, Writes& writes) {
  std::vector<std::string> finalizers = FinalizersOf(config);
  if (finalizers.empty()) return;
  if (Find(cluster.machine_configs, finalizers.front()) != nullptr) {
    writes.push_back(Delete(kMachineConfigs, finalizers.front()));
  }
  finalizers.erase(finalizers.begin());
  writes.push_back(Patch(kKubeletConfigs, config, FinalizersPatch(finalizers)));
}

Json Condition(const char* type, bool status, const std::string& message, WallSeconds now) {
  return {{"type", type},
          {"status", status ? "True" : "False"},
          {"message", message},
          {"lastTransitionTime", ApiTime(now)}};
}

// The last condition with another time when it says the same, else a new one.
void AddToHistory(Json& history, Json condition) {
  if (!history.empty() && TextAt(history.back(), "/message") == TextAt(condition, "/message")) {
    history.back()["lastTransitionTime"] = condition["lastTransitionTime"];
  } else {
    history.push_back(std::move(condition));
  }
}

}  // namespace

void KubeletConfigController::Step(const Cluster& cluster, const Moment& moment, Writes& writes) {
  std::set<std::string> living;
  for (const Json& config : cluster.kubelet_configs) living.insert(TextAt(config, "/metadata/uid"));
  std::erase_if(records_, [&](const auto& entry) { return !living.contains(entry.first); });
  for (const Json& config : cluster.kubelet_configs) {
    const std::string uid = TextAt(config, "/metadata/uid");
    if (!ValueAt(config, "/metadata/deletionTimestamp").is_null()) {
      records_.erase(uid);
      TearDown(cluster, config, writes);
      continue;
    }
    Record& record = records_[uid];
    const Json& generation = ValueAt(config, "/metadata/generation");
    const bool is_edited = record.generation != generation;
    const bool is_due = record.retry_at && *record.retry_at <= moment.now;
    if (!is_edited && !is_due) continue;
    record.generation = generation;
    record.retry_at.reset();
    const Outcome outcome = Sync(cluster, config, writes);
    WriteStatus(config, outcome, moment.wall, writes);
    record.failures = outcome.retry ? record.failures + 1 : 0;
    if (outcome.retry) record.retry_at = moment.now + retries_.After(record.failures);
    break;  // one at a time: the next one's suffix follows from this one's
  }
}

KubeletConfigController::Outcome KubeletConfigController::Sync(const Cluster& cluster,
                                                               const Json& config,
                                                               Writes& writes) const {
  std::vector<Json> pools;
  std::vector<std::string> names;
  for (const Json& pool : cluster.pools) {
    if (!IsFor(config, pool)) continue;
    pools.push_back(pool);
    names.push_back(NameOf(pool));
  }
  if (const auto refusal = RefusalOf(config, version_, names)) {
    return {.error = "Error: " + *refusal};
  }
  if (pools.empty()) {
    return {.error = "Error: could not find any MachineConfigPool set for KubeletConfig",
            .retry = true};
  }
  std::optional<std::string> suffix = SuffixOf(config);
  std::vector<std::string> finalizers = FinalizersOf(config);
  for (const Json& pool : pools) {
    if (!suffix) {
      suffix = SuffixFor(cluster, config, pool);
      if (!suffix) {
        return {.error =
                    "could not get kubelet config key: max number of supported kubelet config (10) "
                    "has been reached. Please delete old kubelet configs before retrying",
                .retry = true};
      }
      writes.push_back(Patch(kKubeletConfigs, config, OnlyAnnotation(config, *suffix)));
    }
    const std::string name = GeneratedName(pool, *suffix);
    WriteMachineConfig(cluster, GeneratedMachineConfig(name, NameOf(pool), config), writes);
    finalizers = WithoutForeign(std::move(finalizers));
    if (std::ranges::find(finalizers, name) == finalizers.end()) finalizers.push_back(name);
  }
  if (finalizers != FinalizersOf(config)) {
    writes.push_back(Patch(kKubeletConfigs, config, FinalizersPatch(finalizers)));
  }
  return {};
}

void KubeletConfigController::WriteStatus(const Json& config, const Outcome& outcome,
                                          WallSeconds now, Writes& writes) const {
  const bool accepted = outcome.error.empty();
  const std::string message = accepted ? "Success" : outcome.error;
  // A False of the older ones, although Failure is what is the case.
  const bool status = accepted || version_ >= OpenShift::k4_22;
  Json word = Condition(accepted ? "Success" : "Failure", status, message, now);
  Json history = ListAt(config, "/status/conditions");
  if (version_ >= OpenShift::k5_0) {
    // The word of the older ones follows the newest condition, and is no part of the history.
    std::erase_if(history.get_ref<Json::array_t&>(),
                  [](const Json& condition) { return TextAt(condition, "/type") != "Accepted"; });
    AddToHistory(history, Condition("Accepted", accepted, message, now));
    history.push_back(std::move(word));
  } else {
    AddToHistory(history, std::move(word));
  }
  while (history.size() > kHistory) history.erase(0);
  writes.push_back(PatchStatus(kKubeletConfigs, config,
                               {{"observedGeneration", ValueAt(config, "/metadata/generation")},
                                {"conditions", std::move(history)}}));
}

std::optional<TimePoint> KubeletConfigController::NextTime() const {
  std::optional<TimePoint> next;
  for (const auto& [uid, record] : records_) next = Earlier(next, record.retry_at);
  return next;
}

}  // namespace nodedevice::testing::mco
