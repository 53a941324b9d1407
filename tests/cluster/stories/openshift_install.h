#pragma once

#include <string>

#include "tests/cluster/stories/cluster.h"

namespace nodedevice::testing {

// Installs the operator by operator-manifests/openshift, does what OpenShift would do for it - a
// user from the range of the namespace, certificates by its service CA - and waits for two
// controllers.
void InstallAsOnOpenShift(const Cluster& cluster);

// The token of a ServiceAccount that is made for it, and may read metrics and nothing else.
std::string TokenToReadMetrics(const Cluster& cluster, const std::string& account);

}  // namespace nodedevice::testing
