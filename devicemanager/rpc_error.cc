#include "devicemanager/rpc_error.h"

#include <array>

namespace nodedevice::devicemanager {
namespace {

std::string CodeName(grpc::StatusCode code) {
  static constexpr std::array<const char*, 17> kNames = {
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : absl::StrCat("Code(", static_cast<int>(code), ")");
}

}  // namespace

std::string GoErrorText(const grpc::Status& status) {
  return absl::StrCat("rpc error: code = ", CodeName(status.error_code()),
                      " desc = ", status.error_message());
}

absl::Status FromGrpc(const grpc::Status& status) {
  // The two enumerations have the same values.
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), GoErrorText(status));
}

}  // namespace nodedevice::devicemanager
