#pragma once

#include <set>
#include <string>

#include "lib/base/host_root.h"
#include "lib/base/status.h"
#include "plugin/zcrypt/apqn_id.h"
#include "plugin/zcrypt/host_edits.h"

namespace nodedevice {

// The kernel's own restricted device nodes for crypto cards: like /dev/z90crypt, but each reaches
// only the cards, domains and calls of its masks. They are made and destroyed by writing their
// names to two files of the device class, which makes and removes a folder with the masks in sysfs
// and the node in /dev.

// Host path of the device class; a kernel without it knows only /dev/z90crypt.
inline constexpr char kZcryptClass[] = "/sys/class/zcrypt";

// Why this kernel cannot make nodes, for people; empty: it can.
std::string ZcryptProblem(const HostRoot& host);

// Sees to it that there is the node of this id, that anybody may open it, and that it reaches this
// queue, all calls, and nothing else. A node that is there keeps what is right and gets what is
// not: somebody may have made it by hand, or stopped half-way.
//
// True: this call made it. An error leaves no node that was not there before. Blocks until the node
// is in /dev, 6.4 s at most.
absl::StatusOr<bool> EnsureZcryptNode(const ApqnId& id, const HostRoot& host, HostEdits& edits);

// Does nothing when there is no such node. One that is open stays usable for who has it open.
absl::Status DestroyZcryptNode(const ApqnId& id, const HostRoot& host, HostEdits& edits);

// Those whose names are ours.
std::set<std::string> ZcryptNodes(const HostRoot& host);

}  // namespace nodedevice
