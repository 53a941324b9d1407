#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tests/soak/node.h"

namespace nodedevice::soak {

// What may be done to the node.
enum class Kind {
  kPlug,
  kUnplug,
  kReplaceNode,  // by another one, as by a rename
  kAdmitPod,
  kDeletePod,
  kRestartKubelet,  // by its command: the process lives on, as do the pods
  kEndKubelet,      // SIGTERM, and started again
  kKillKubelet,     // SIGKILL, and started again
  kDropStreams,
  kSlowKubelet,  // answers late while it is restarted
  kRefuseDial,   // reaches no plugin while it is restarted
  kKillPlugin,
  kKillObserver,  // the process that asks the kubelet
  kEndAgent,      // SIGTERM, and started again
  kKillAgent,     // SIGKILL, and started again
  kConfigure,     // an entry is added or changed
  kRemoveEntry,
  kBadConfig,   // refused; then the last good one again
  kApiOutage,   // every request is refused, until the agent has said so
  kApiForgets,  // 410 for a watch from before
  kCutWatches,
  kMark,  // nothing: figures are taken
};
inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kMark) + 1;

// "kill the agent": for the report.
std::string_view NameOf(Kind kind);
// Something that goes wrong, and not what a user asks for.
bool IsFault(Kind kind);

// One step. Which of its members count is the kind's affair.
struct Step {
  int number = 0;
  Kind kind = Kind::kMark;
  // False: the next step follows at once. True: first everything must be as the model says.
  bool settle = true;
  std::string entry = {};
  int device = 0;
  int replicas = 1;
  int revision = 0;
  std::string pod = {};
  Asked asked = {};
  Source source = Source::kFile;  // of the agent that is started
  bool operator==(const Step&) const = default;
};

// "12 unplug tty3, at once" for people.
std::string ToText(const Step& step);

// What the step makes of the node. A pod that is admitted is not yet there: Node::Admitted().
void Apply(const Step& step, Node& node);

}  // namespace nodedevice::soak
