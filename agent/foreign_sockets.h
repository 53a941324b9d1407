#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string_view>

namespace nodedevice {

// The unix sockets of a table like /proc/net/unix that accept connections and have a path: inode ->
// path as its owner bound it. A path may hold any byte, a line break too, so two lines may claim
// one inode: nothing is known of that one.
std::map<std::uint64_t, std::filesystem::path> ListeningSockets(std::string_view table);

// Whether a process of this group listens on sockets in `folder` of which none is there any more:
// somebody has removed them, and nobody can reach it. False when it listens on none there.
//
// The group is one of our own children's, so this looks at the real /proc, below no other root.
bool HasLostItsSockets(int process_group, const std::filesystem::path& folder);

}  // namespace nodedevice
