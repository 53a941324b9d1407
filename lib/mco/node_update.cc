#include "lib/mco/node_update.h"

#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

// ~1 is a slash within a part of a JSON pointer.
constexpr char kState[] = "/metadata/annotations/machineconfiguration.openshift.io~1state";
constexpr char kReason[] = "/metadata/annotations/machineconfiguration.openshift.io~1reason";
constexpr char kCurrent[] =
    "/metadata/annotations/machineconfiguration.openshift.io~1currentConfig";
constexpr char kDesired[] =
    "/metadata/annotations/machineconfiguration.openshift.io~1desiredConfig";

}  // namespace

NodeUpdate UpdateOf(const nlohmann::json& node) {
  using Kind = NodeUpdate::Kind;
  NodeUpdate update = {.kind = Kind::kNone,
                       .state = TextAt(node, kState),
                       .current = TextAt(node, kCurrent),
                       .desired = TextAt(node, kDesired)};
  if (update.state == "Degraded" || update.state == "Unreconcilable") {
    update.kind = Kind::kFailed;
    update.reason = TextAt(node, kReason);
    return update;
  }
  // The daemon may have been told and not begun.
  const bool is_told = !update.desired.empty() && update.current != update.desired;
  if (is_told || update.state == "Working" || update.state == "Rebooting") {
    update.kind = Kind::kUpdating;
  }
  return update;
}

}  // namespace nodedevice
