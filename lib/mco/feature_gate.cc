#include "lib/mco/feature_gate.h"

#include <algorithm>

#include "lib/kube/object_fields.h"

namespace nodedevice {

using Json = nlohmann::json;

bool DisablesGate(const Json& feature_gate, std::string_view name) {
  // OpenShift 4.14 and newer: a list of {name} for each version.
  const Json& versions = ListAt(feature_gate, "/status/featureGates");
  if (!versions.empty()) {
    return std::ranges::any_of(versions, [name](const Json& version) {
      return std::ranges::any_of(ListAt(version, "/disabled"), [name](const Json& gate) {
        return TextAt(gate, "/name") == name;
      });
    });
  }
  if (TextAt(feature_gate, "/spec/featureSet") != "CustomNoUpgrade") return false;
  return std::ranges::any_of(ListAt(feature_gate, "/spec/customNoUpgrade/disabled"),
                             [name](const Json& gate) { return gate == name; });
}

}  // namespace nodedevice
