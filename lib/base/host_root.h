#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace nodedevice {

// The directory that stands before every /dev, /sys, /proc, /etc and /run path that a program
// reads:
// "/" on a node, the mount of the node's file system in a pod, a directory tree in a test. What a
// container is told never carries it. Immutable value, safe to share between threads.
class HostRoot {
 public:
  explicit HostRoot(std::filesystem::path root = "/");

  // "/dev/fuse" -> "<root>/dev/fuse".
  std::filesystem::path Resolve(std::string_view host_path) const;

  // The same as a plain string: cheap enough for thousands of device nodes.
  std::string ResolveNative(std::string_view host_path) const;

  // Follows symbolic links as a process inside the root would, absolute links included, and returns
  // the host path that is finally meant: "/dev/serial/by-id/x" -> "/dev/ttyUSB0". A part that does
  // not exist ends the walk and is kept as it is; so does a loop of links.
  std::string Canonical(std::string_view host_path) const;

  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

}  // namespace nodedevice
