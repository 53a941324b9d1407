#pragma once

#include <map>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "tests/soak/stage.h"
#include "tests/soak/step.h"

namespace nodedevice::soak {

// How long it took until everything was as it must be.
struct Settled {
  Duration kubelet{};  // the numbers of every resource at the kubelet
  Duration all{};      // the agent's view, readiness and processes, too
};

// Plays steps on a stage, and waits for what must come of them. An error says which rule was
// broken, or what did not come.
class Player {
 public:
  explicit Player(Stage& stage) : stage_(stage) {}

  // Everything from nothing, for this node.
  absl::Status Begin(const Node& node);

  // Plays the step on a node that is as `node` says, and changes `node` into what must be the case
  // now.
  absl::Status Play(const Step& step, Node& node);

  // Waits until the node is as `node` says. The time counts from what Play() has done last.
  absl::StatusOr<Settled> Settle(const Node& node);

  // Ends everything in good order.
  absl::Status End();

  // Facts that were looked at and were right.
  long facts() const { return facts_; }

 private:
  absl::Status Do(const Step& step, const Node& before, const Node& after);
  absl::Status Admit(const Step& step, Node& node);
  absl::StatusOr<ByContainer> AskToAdmit(const std::string& pod, const Asked& asked, bool fits);
  absl::Status EndKubelet(int signal, const Node& before);
  absl::Status RestartKubelet();
  absl::Status SlowKubelet(const Node& node);
  absl::Status DropStream(const std::string& entry);
  absl::Status RefuseDial(const std::string& entry);
  absl::Status KillPlugin(const std::string& entry);
  absl::Status KillObserver();
  absl::Status BadConfig(const Node& node);
  absl::Status ApiOutage();

  absl::Status SetFault(const std::string& name, const std::string& value);
  // How many of a resource the agent has counted.
  double Registrations(const std::string& entry, const std::string& result) const;
  absl::Status WaitForRegistration(const std::string& entry, const std::string& result,
                                   double before);
  absl::Status WaitForSeries(const std::string& name, double value);
  absl::Status WaitForKubelet(const Node& node);

  Stage& stage_;
  std::map<std::string, Asked> asked_;  // of the pods that live
  bool was_settled_ = true;             // before the step
  TimePoint happened_;
  std::optional<Duration> kubelet_settled_;  // when Play() has waited for it already
  long facts_ = 0;
};

}  // namespace nodedevice::soak
