#include "devicemanager/register_request.h"

#include "lib/kubelet/resource_name.h"

namespace nodedevice::devicemanager {
namespace {

constexpr char kVersion[] = "v1beta1";

}  // namespace

absl::Status CheckRegisterRequest(const v1beta1::RegisterRequest& request) {
  if (request.version() != kVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("requested API version \"", request.version(),
                     "\" is not supported by kubelet. Supported version is [\"", kVersion, "\"]"));
  }
  if (!ValidateExtendedResourceName(request.resource_name()).ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ResourceName \"", request.resource_name(), "\" is invalid"));
  }
  return absl::OkStatus();
}

std::filesystem::path EndpointPath(const std::filesystem::path& socket_dir,
                                   const std::string& endpoint) {
  return std::filesystem::path(absl::StrCat(socket_dir.native(), "/", endpoint)).lexically_normal();
}

}  // namespace nodedevice::devicemanager
