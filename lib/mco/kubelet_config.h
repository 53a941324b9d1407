#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice {

// What the machine-config-operator made of a KubeletConfig.
struct KubeletConfigVerdict {
  enum class Kind {
    kPending,   // nothing yet, or nothing of its newest generation
    kAccepted,  // the pools that it selects get it
    kRejected,  // they do not, and see FreezesPool
  };
  Kind kind = Kind::kPending;
  std::string message = {};  // kRejected: the operator's words

  bool operator==(const KubeletConfigVerdict&) const = default;
};

// One rule for all versions of OpenShift: the status must be of the newest generation, and of its
// conditions, which are a history, only the last counts. Any JSON gives an answer.
KubeletConfigVerdict VerdictOf(const nlohmann::json& config);

// True when the machine-config-operator applies it to the pool. A selector that is empty, which
// would select every pool, is applied to none.
bool AppliesTo(const nlohmann::json& config, const nlohmann::json& pool);

// True when it keeps the pool from any new configuration, cluster upgrades included (OpenShift 4.14
// and newer): it selects the pool, with an empty selector as well, and is not accepted. The pool
// itself says nothing of this.
bool FreezesPool(const nlohmann::json& config, const nlohmann::json& pool);

// It has the key `feature-gates` of OpenShift 3, which no kubelet of OpenShift 4 reads: it changes
// nothing, whatever gate it names.
bool HasUnreadFeatureGates(const nlohmann::json& config);

// It sets `featureGates`, for which the machine-config-operator of every version refuses it.
bool HasRefusedFeatureGates(const nlohmann::json& config);

}  // namespace nodedevice
