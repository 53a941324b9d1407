#pragma once

#include <filesystem>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"
#include "lib/kubelet/paths.h"

namespace nodedevice::devicemanager {

// The socket over which `device-manager status`, `admit` and the others reach the serving process.
std::filesystem::path ControlSocket(const KubeletPaths& paths);

// Makes the kubelet folder and takes it for this process as long as the descriptor lives.
// kAlreadyExists, naming the process, when another one has it.
absl::StatusOr<UniqueFd> LockFolder(const KubeletPaths& paths);

// kFailedPrecondition when something answers on kubelet.sock: a real kubelet, whose sockets must
// not be removed.
absl::Status RefuseLiveKubelet(const KubeletPaths& paths);

// What a kubelet does before it listens: makes its folders and removes every socket in
// device-plugins, its plugins' too. Other files stay. The stale podresources socket goes as well;
// those in plugins_registry do not, their plugins are found again.
absl::Status PrepareFolder(const KubeletPaths& paths);

}  // namespace nodedevice::devicemanager
