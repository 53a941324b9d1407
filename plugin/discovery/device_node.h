#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "lib/base/host_root.h"

namespace nodedevice {

// Why what is at a host path cannot be given to a container as a device node; empty: it can.
// `error` and `mode` are those of lstat(). Container runtimes refuse a device that is none.
std::string NodeProblem(std::string_view host_path, int error, mode_t mode);

// The same with a look at the host.
std::string NodeProblem(const HostRoot& host, const std::string& host_path);

}  // namespace nodedevice
