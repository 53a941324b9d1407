#pragma once

#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "lib/metrics/access.h"

namespace nodedevice {

// Asks the API whose a bearer token is (TokenReview) and whether that user may get /metrics
// (SubjectAccessReview), as contracts/openshift.md 4.2 has it. Both must outlive the server that is
// given the reviewer; the questions wait on the worker, one after the other.
TokenReviewer MakeTokenReviewer(Worker& worker, ApiClient& client);

}  // namespace nodedevice
