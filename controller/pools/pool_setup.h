#pragma once

#include <optional>
#include <string>

#include "controller/pools/pools_plan.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// The object has this finalizer.
bool HasFinalizer(const nlohmann::json& object, const std::string& finalizer);

// For a server-side apply by kTeardownManager. It names nothing but finalizers and the uid.
nlohmann::json FinalizerPatch(const nlohmann::json& config_object, bool held);

// Brings selected pools to what configurations say, a step each. Keep one for a plan: what it has
// planned for one configuration counts when the next is asked for.
class PoolSetup {
 public:
  // `observed` has the APIs of the machine-config-operator.
  PoolSetup(const Observed& observed, const NodeSelection& selection, PoolsPlan& plan);

  // The next step for this pool is put into the plan.
  PoolReport Step(const ManagedConfig& managed, const nlohmann::json& pool,
                  std::optional<WallSeconds>& look_again);

 private:
  struct Work;  // what is to be written for one pool

  std::optional<PoolReport> Withdraw(const Work& work);
  PoolReport Write(const Work& work);
  void PutBackWhatStrangersDid(const Work& work);
  void Remove(const char* kind, const nlohmann::json& object);
  void ApplyOurs(const Work& work);
  PoolReport Rolling(const Work& work, std::optional<WallSeconds>& look_again) const;

  const Observed& observed_;
  const NodeSelection& selection_;
  nlohmann::json kubelet_configs_;  // those that there are, and those in the plan
  PoolsPlan& plan_;
};

}  // namespace nodedevice
