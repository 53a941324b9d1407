#include "controller/pools/pool_setup.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/drift.h"
#include "controller/ownership.h"
#include "controller/pools/machine_config.h"
#include "controller/pools/obstacles.h"
#include "controller/pools/pool_objects.h"
#include "controller/pools/pool_relations.h"
#include "controller/pools/pools_status.h"
#include "controller/pools/rollout.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/kubelet_config.h"
#include "lib/mco/refused_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using Kind = KubeletConfigVerdict::Kind;

constexpr char kRenderedLabel[] = "/metadata/labels/nodedevices.io~1rendered";

bool IsDeleting(const Json& object) {
  return !TextAt(object, "/metadata/deletionTimestamp").empty();
}

// Others may add fields, but not to what is one value to the API server.
bool NeedsWrite(const Json& wanted, const Json& has) {
  if (NeedsApply(wanted, has)) return true;
  return std::ranges::any_of(
      std::vector<const char*>{"/spec/machineConfigPoolSelector", "/spec/kernelArguments",
                               "/spec/kubeletConfig/feature-gates", "/spec/config/storage/files"},
      [&](const char* pointer) {
        const Json& value = ValueAt(wanted, pointer);
        return !value.is_null() && value != ValueAt(has, pointer);
      });
}

// nullptr: there is none.
const Json* Find(const Json& list, const std::string& name) {
  const Json& found = Named(list, name);
  return found.is_null() ? nullptr : &found;
}

// When the controller wrote it last.
WallSeconds WrittenAt(const Json& object) {
  WallSeconds last{};
  for (const Json& entry : ListAt(object, "/metadata/managedFields")) {
    last = std::max(last, ReadApiTime(TextAt(entry, "/time")));
  }
  return last;
}

// It stops the pool. What the operator says of a pool whose label it has not seen yet does not
// count: it looks again by itself.
bool IsRejected(const Json& kubelet_config, const Json& pool) {
  const KubeletConfigVerdict verdict = VerdictOf(kubelet_config);
  return verdict.kind == Kind::kRejected &&
         !(AppliesTo(kubelet_config, pool) &&
           verdict.message.find("could not find any MachineConfigPool") != std::string::npos);
}

}  // namespace

bool HasFinalizer(const Json& object, const std::string& finalizer) {
  const Json& finalizers = ListAt(object, "/metadata/finalizers");
  return std::ranges::find(finalizers, Json(finalizer)) != finalizers.end();
}

Json FinalizerPatch(const Json& config_object, bool held) {
  Json finalizers = Json::array();
  if (held) finalizers.push_back(kTeardownFinalizer);
  return {{"apiVersion", kApiVersion},
          {"kind", "DevicePluginConfig"},
          {"metadata",
           {{"name", NameOf(config_object)},
            {"uid", TextAt(config_object, "/metadata/uid")},
            {"finalizers", std::move(finalizers)}}}};
}

struct PoolSetup::Work {
  const ManagedConfig& managed;
  const Json& pool;
  Json kubelet_config;                 // as it is to be
  const Json* has_kubelet = nullptr;   // as it is; nullptr: there is none
  std::optional<Json> machine_config;  // as it is to be; nullopt: none
  const Json* has_machine = nullptr;
  std::optional<PoolRollout> before;  // what the status says of the same generation

  bool needs_finalizer() const {
    return !HasBuiltInLabel(pool) && !HasFinalizer(managed.object, kTeardownFinalizer);
  }
  bool needs_label() const { return !HasBuiltInLabel(pool) && !HasPoolLabel(pool); }
  bool needs_kubelet() const {
    return has_kubelet == nullptr || NeedsWrite(kubelet_config, *has_kubelet);
  }
  bool needs_machine() const {
    return machine_config && (has_machine == nullptr || NeedsWrite(*machine_config, *has_machine));
  }
  bool has_useless_machine() const { return !machine_config && has_machine != nullptr; }
  // What nodes may have to be rebooted for.
  bool needs_objects() const { return needs_kubelet() || needs_machine() || has_useless_machine(); }
  PoolReport Report(PoolState state, std::string message) const {
    return {NameOf(pool), state, std::move(message)};
  }
};

PoolSetup::PoolSetup(const Observed& observed, const NodeSelection& selection, PoolsPlan& plan)
    : observed_(observed),
      selection_(selection),
      kubelet_configs_(*observed.kubelet_configs),
      plan_(plan) {}

PoolReport PoolSetup::Step(const ManagedConfig& managed, const Json& pool,
                           std::optional<WallSeconds>& look_again) {
  const DevicePluginConfig& config = managed.config;
  Work work{.managed = managed,
            .pool = pool,
            .kubelet_config = RenderKubeletConfig(config, managed.uid, pool),
            .machine_config = std::nullopt,
            .before = RolloutInStatus(managed.object, NameOf(pool), config.generation)};
  work.has_kubelet = Find(*observed_.kubelet_configs, NameOf(work.kubelet_config));
  if (work.has_kubelet != nullptr && !IsOurs(*work.has_kubelet, config.name, managed.uid)) {
    work.has_kubelet = nullptr;  // an obstacle
  }
  if (!IsEmpty(config.node_preparation)) {
    work.machine_config = RenderMachineConfig(config, managed.uid, NameOf(pool));
  }
  work.has_machine = Find(*observed_.machine_configs, MachineConfigName(config.name, NameOf(pool)));

  if (work.has_machine != nullptr && !IsOurs(*work.has_machine, config.name, managed.uid)) {
    // What an administrator has applied in our place (MachineConfigToApply) becomes ours.
    const bool is_the_same = work.machine_config && ValueAt(*work.has_machine, "/spec") ==
                                                        ValueAt(*work.machine_config, "/spec");
    if (work.machine_config && !is_the_same) {
      return work.Report(PoolState::kForeignKubeletConfig,
                         absl::StrCat("there is a MachineConfig ", NameOf(*work.has_machine),
                                      " that is not this configuration's: delete or rename it"));
    }
    if (!work.machine_config) work.has_machine = nullptr;
  }

  if (std::optional<PoolReport> withdrawn = Withdraw(work)) return *std::move(withdrawn);
  const PoolQuestion question{.observed = observed_,
                              .selection = selection_,
                              .config = config,
                              .config_uid = managed.uid,
                              .pool = pool,
                              .wanted = work.kubelet_config,
                              .kubelet_configs = kubelet_configs_};
  // What stops the pool and cannot be replaced now goes now.
  const auto blocked = [&](PoolReport obstacle) {
    if (work.has_kubelet != nullptr && IsRejected(*work.has_kubelet, pool)) {
      Remove("KubeletConfig", *work.has_kubelet);
    }
    return obstacle;
  };
  if (auto obstacle = LastingObstacle(question)) return blocked(*std::move(obstacle));
  for (const Json* object : {work.has_kubelet, work.has_machine}) {
    if (object != nullptr && IsDeleting(*object)) {
      return work.Report(PoolState::kPending,
                         absl::StrCat(NameOf(*object), " is being deleted, and is then made anew"));
    }
  }
  if (work.needs_objects()) {
    const bool is_new = work.has_kubelet == nullptr;
    if (auto obstacle = WritingObstacle(question, is_new)) return blocked(*std::move(obstacle));
    if (is_new) kubelet_configs_.push_back(work.kubelet_config);
  }
  if (work.needs_objects() || work.needs_finalizer() || work.needs_label()) return Write(work);
  return Rolling(work, look_again);
}

// A KubeletConfig that is refused stops its pool.
std::optional<PoolReport> PoolSetup::Withdraw(const Work& work) {
  const bool remembers = work.before && work.before->state == ToString(PoolState::kRejected);
  if (work.has_kubelet == nullptr) {
    if (!remembers) return std::nullopt;
    return work.Report(PoolState::kRejected, work.before->message);
  }
  const Json& has = *work.has_kubelet;
  // One that is not what is wanted any more is replaced instead.
  const bool is_edited = TextAt(has, kRenderedLabel) != TextAt(work.kubelet_config, kRenderedLabel);
  if (is_edited || !IsRejected(has, work.pool)) return std::nullopt;
  const std::string said = VerdictOf(has).message;
  // What is refused is not what was written: an apply would not take it out.
  if (const std::vector<std::string> fields = RefusedFields(has); !fields.empty()) {
    if (!IsDeleting(has)) {
      const std::string name = ObjectName("KubeletConfig", "", NameOf(has));
      plan_.events.push_back(
          {work.managed.config.name, work.managed.uid, name, PutBack(name, false)});
    }
    Remove("KubeletConfig", has);
    return work.Report(PoolState::kPending,
                       absl::StrCat("KubeletConfig ", NameOf(has), ", to which somebody has added ",
                                    absl::StrJoin(fields, ", "),
                                    ", is refused by the machine-config-operator, and is made "
                                    "anew: ",
                                    said));
  }
  // First it is remembered: else it would come back when the controller is killed in between.
  if (remembers) Remove("KubeletConfig", has);
  return work.Report(
      PoolState::kRejected,
      absl::StrCat("KubeletConfig ", NameOf(has),
                   " was refused by the machine-config-operator and is withdrawn, since it would "
                   "keep the pool from any new configuration, upgrades included. It is written "
                   "again when this DevicePluginConfig is changed: ",
                   said));
}

void PoolSetup::Remove(const char* kind, const Json& object) {
  if (IsDeleting(object)) return;
  plan_.remove.push_back({kind, "", NameOf(object), TextAt(object, "/metadata/uid")});
}

PoolReport PoolSetup::Write(const Work& work) {
  const std::size_t before = plan_.apply.size();
  if (work.needs_finalizer()) {
    Apply apply{.object = FinalizerPatch(work.managed.object, true),
                .field_manager = kTeardownManager,
                .force = false};
    // Another pool may have asked for it.
    if (std::ranges::find(plan_.apply, apply) == plan_.apply.end()) {
      plan_.apply.push_back(std::move(apply));
    }
  } else if (work.needs_label()) {
    plan_.apply.push_back({.object = PoolLabelPatch(work.pool, true), .force = false});
  } else {
    PutBackWhatStrangersDid(work);
    ApplyOurs(work);
  }
  for (std::size_t i = before; i < plan_.apply.size(); ++i) {
    const std::string object = ObjectName(plan_.apply[i].object);
    const std::string problem = observed_.WriteProblemOf(object);
    if (problem.empty()) continue;
    return work.Report(PoolState::kWriteRefused, absl::StrCat("the API refuses to write ", object,
                                                              ", and is asked again: ", problem));
  }
  return work.Report(
      PoolState::kPending,
      absl::StrCat("KubeletConfig ", NameOf(work.kubelet_config),
                   work.machine_config
                       ? absl::StrCat(" and MachineConfig ", NameOf(*work.machine_config), " are")
                       : " is",
                   " being written, which ", ImpactOf(*observed_.pools, work.pool, selection_)));
}

void PoolSetup::PutBackWhatStrangersDid(const Work& work) {
  const auto tell = [&](const Json& wanted, const Json* has) {
    const bool was_there = work.before && work.before->state != ToString(PoolState::kPending) &&
                           work.before->is_written;
    const bool changed =
        has != nullptr && TextAt(*has, kRenderedLabel) == TextAt(wanted, kRenderedLabel);
    if (has == nullptr ? was_there : changed) {
      // That it is gone is told with the status that says so: the next plan knows no more of it.
      const std::string& config = work.managed.config.name;
      plan_.events.push_back({config, work.managed.uid,
                              has == nullptr ? StatusName(config) : ObjectName(wanted),
                              PutBack(ObjectName(wanted), has == nullptr)});
    }
  };
  if (work.needs_kubelet()) tell(work.kubelet_config, work.has_kubelet);
  if (work.needs_machine()) tell(*work.machine_config, work.has_machine);
}

void PoolSetup::ApplyOurs(const Work& work) {
  if (work.needs_kubelet()) {
    plan_.apply.push_back({.object = work.kubelet_config, .dry_run_first = true});
  }
  if (work.needs_machine()) {
    plan_.apply.push_back({.object = *work.machine_config, .dry_run_first = true});
  }
  if (work.has_useless_machine()) {
    Remove("MachineConfig", *work.has_machine);
  }
}

PoolReport PoolSetup::Rolling(const Work& work, std::optional<WallSeconds>& look_again) const {
  Rollout rollout = RolloutOf(
      work.pool,
      {.kubelet_config = *work.has_kubelet,
       .machine_config = work.machine_config ? NameOf(*work.machine_config) : std::string(),
       .at = std::max(WrittenAt(*work.has_kubelet),
                      work.has_machine != nullptr ? WrittenAt(*work.has_machine) : WallSeconds{})},
      *observed_.machine_configs, observed_.now);
  if (rollout.look_again && (!look_again || *rollout.look_again < *look_again)) {
    look_again = rollout.look_again;
  }
  return work.Report(rollout.state, std::move(rollout.message));
}

}  // namespace nodedevice
