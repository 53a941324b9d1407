#pragma once

#include <filesystem>
#include <string>

#include "lib/base/status.h"
#include "proto/deviceplugin.pb.h"

namespace nodedevice::devicemanager {

// Why a kubelet refuses a call of Register before it dials back, in its words.
absl::Status CheckRegisterRequest(const v1beta1::RegisterRequest& request);

// The plugin's socket. As the kubelet joins paths: an absolute endpoint is still below the folder,
// "..", however, leads out of it. It does not confine a plugin; whoever reaches kubelet.sock is
// trusted.
std::filesystem::path EndpointPath(const std::filesystem::path& socket_dir,
                                   const std::string& endpoint);

}  // namespace nodedevice::devicemanager
