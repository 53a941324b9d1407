#pragma once

#include "controller/observed.h"
#include "controller/plan.h"

namespace nodedevice::testing {

// The cluster after the plan, as the API server would have it, with its garbage collection. What
// the machine-config-operator would do next is not done, but that what it has made of a
// KubeletConfig goes with that.
void CarryOut(const Plan& plan, Observed& observed);

}  // namespace nodedevice::testing
