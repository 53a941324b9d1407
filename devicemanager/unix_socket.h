#pragma once

#include <filesystem>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace nodedevice::devicemanager {

// A listening socket at `path`, which must be free. Non-blocking. The file stays when the
// descriptor is closed, and refuses connections from then on.
absl::StatusOr<UniqueFd> ListenUnix(const std::filesystem::path& path);

// A connected socket. Non-blocking. Never waits: nobody listening is an error.
absl::StatusOr<UniqueFd> ConnectUnix(const std::filesystem::path& path);

// The next waiting connection of a listening socket: kUnavailable when there is none.
absl::StatusOr<UniqueFd> AcceptUnix(const UniqueFd& listener, int flags);

}  // namespace nodedevice::devicemanager
