#pragma once

#include <string>

#include "grpcpp/support/status.h"
#include "lib/base/status.h"

namespace nodedevice::devicemanager {

// The text that a Go program, and so the kubelet, shows for a failed call:
// "rpc error: code = Unavailable desc = ...".
std::string GoErrorText(const grpc::Status& status);

// The same as an absl::Status with the code of the call. REQUIRES: !status.ok().
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace nodedevice::devicemanager
