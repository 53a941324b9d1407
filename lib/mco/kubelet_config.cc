#include "lib/mco/kubelet_config.h"

#include "lib/kube/object_fields.h"
#include "lib/mco/label_selector.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using Kind = KubeletConfigVerdict::Kind;

LabelSelector SelectorOf(const Json& config) {
  return LabelSelector(ValueAt(config, "/spec/machineConfigPoolSelector"));
}

Kind KindOf(const Json& condition) {
  const std::string type = TextAt(condition, "/type");
  const std::string status = TextAt(condition, "/status");
  if (type == "Success") return Kind::kAccepted;
  // False up to OpenShift 4.21, True since: it means the same.
  if (type == "Failure") return Kind::kRejected;
  if (type == "Accepted" && status == "True") return Kind::kAccepted;
  if (type == "Accepted" && status == "False") return Kind::kRejected;
  return Kind::kPending;
}

}  // namespace

KubeletConfigVerdict VerdictOf(const Json& config) {
  const Json& observed = ValueAt(config, "/status/observedGeneration");
  const Json& conditions = ListAt(config, "/status/conditions");
  if (conditions.empty() || !observed.is_number_integer() ||
      observed != ValueAt(config, "/metadata/generation")) {
    return {};
  }
  const Json& last = conditions.back();
  const Kind kind = KindOf(last);
  return {.kind = kind, .message = kind == Kind::kRejected ? TextAt(last, "/message") : ""};
}

bool AppliesTo(const Json& config, const Json& pool) {
  const LabelSelector selector = SelectorOf(config);
  return !selector.is_empty() && selector.Selects(LabelsOf(pool));
}

bool FreezesPool(const Json& config, const Json& pool) {
  return VerdictOf(config).kind != Kind::kAccepted && SelectorOf(config).Selects(LabelsOf(pool));
}

bool HasUnreadFeatureGates(const Json& config) {
  return !ValueAt(config, "/spec/kubeletConfig/feature-gates").is_null();
}

bool HasRefusedFeatureGates(const Json& config) {
  const Json& gates = ValueAt(config, "/spec/kubeletConfig/featureGates");
  return !gates.empty();  // null is empty, too
}

}  // namespace nodedevice
