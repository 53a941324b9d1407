#pragma once

#include <string>
#include <vector>

#include "lib/api/nvidia.h"
#include "lib/base/clock.h"
#include "plugin/nvidia/nvml.h"

namespace nodedevice {

// What the driver's errors (XIDs) say about the health of GPUs. Pure; time is passed in.
//
// An error is about all that the GPU offers, every share and every MIG device, unless the driver
// names the MIG device; one without a GPU is about all GPUs. Whoever it is about counts as well
// again when no error that counts has come for the policy's time. What came before the start is not
// known.
class XidHealth {
 public:
  // Which errors count beside what the policy says.
  enum class Counting {
    kAllButOfPrograms,  // all but kXidsOfPrograms
    kMemoryErrors,      // 48, a memory error that cannot be corrected
  };
  explicit XidHealth(XidPolicy policy, Counting counting = Counting::kAllButOfPrograms)
      : policy_(std::move(policy)), counting_(counting) {}

  void Note(const XidEvent& event, TimePoint now);

  // Why the GPU, or this MIG device of it, must not be given away; empty: it may.
  std::string ProblemOf(const Gpu& gpu, const MigDevice* mig, TimePoint now) const;

 private:
  struct Error {
    XidEvent event;
    TimePoint when;
  };
  bool Counts(std::uint64_t xid) const;

  XidPolicy policy_;
  Counting counting_;
  std::vector<Error> errors_;  // the newest of each kind and place, those that still matter
};

}  // namespace nodedevice
