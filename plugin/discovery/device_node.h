#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "lib/base/host_root.h"

namespace nodedevice {

// Whether a container runtime would take it for a device node. A FIFO is one, too: it stands in for
// a device node where only root could make that.
bool IsDeviceNode(mode_t mode);

// Why the device node at this host path cannot be given to a container, as a sentence that begins
// with the path; empty: it can. Links are not followed, for runtimes do not either.
std::string NodeProblem(const HostRoot& host, const std::string& host_path);

// The same of what lstat() said, where an administrator named the path: a folder stands for the
// nodes in it, and outside of /dev any file will do.
std::string NamedNodeProblem(std::string_view host_path, int error, mode_t mode);

}  // namespace nodedevice
