#pragma once

#include <memory>
#include <set>
#include <string>

#include "lib/base/host_root.h"
#include "plugin/discovery/preparer.h"
#include "plugin/zcrypt/ap_selection.h"
#include "plugin/zcrypt/apqn_id.h"
#include "plugin/zcrypt/host_edits.h"

namespace nodedevice {

// Makes what a container gets of a crypto card's queue: a zcrypt node that reaches the queue and
// nothing else, and a tree that shows it as the only one in /sys. Contract: that of IBM's plugin,
// docs/families/adjunct-processor.md.
class AdjunctProcessorPreparer : public DevicePreparer {
 public:
  // `resource` is who made it, and is kept in each tree: what another resource of the node made is
  // never touched. `selection` is shared with the source.
  AdjunctProcessorPreparer(std::string resource, std::shared_ptr<ApSelection> selection,
                           const HostRoot& host, std::unique_ptr<HostEdits> edits);

  // Refused with words when the entry does not mean this device (any more), and when its queue is
  // not there or not usable: nothing is made then.
  absl::Status Prepare(const std::string& id) override;
  // The node first: what has it open keeps it, and nothing new can open it.
  absl::Status Release(const std::string& id) override;
  // Nodes and trees that carry this resource's name, and those that carry none (IBM's plugin left
  // them, or somebody else) of queues that the entry means.
  std::set<std::string> Prepared() override;

 private:
  absl::Status CheckQueue(const ApqnId& id, const AdjunctProcessor& family) const;

  const std::string resource_;
  const std::shared_ptr<ApSelection> selection_;
  const HostRoot host_;
  const std::unique_ptr<HostEdits> edits_;
};

}  // namespace nodedevice
