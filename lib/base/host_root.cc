#include "lib/base/host_root.h"

#include <list>
#include <system_error>

namespace nodedevice {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel: more is a loop

}  // namespace

HostRoot::HostRoot(std::filesystem::path root) : root_(std::move(root)) {}

std::filesystem::path HostRoot::Resolve(std::string_view host_path) const {
  return root_ / std::filesystem::path(host_path).relative_path();
}

std::string HostRoot::ResolveNative(std::string_view host_path) const {
  std::string path = root_.native();
  if (!path.empty() && path.back() == '/') path.pop_back();
  if (host_path.empty() || host_path.front() != '/') path += '/';
  return path.append(host_path);
}

std::string HostRoot::Canonical(std::string_view host_path) const {
  const std::filesystem::path start(host_path);
  std::list<std::filesystem::path> todo(start.begin(), start.end());
  std::filesystem::path done = "/";
  int links = 0;
  while (!todo.empty()) {
    const std::filesystem::path part = todo.front();
    todo.pop_front();
    if (part.empty() || part == "." || part == "/") continue;
    if (part == "..") {
      done = done.parent_path();
      continue;
    }
    std::error_code error;
    const std::filesystem::path next = done / part;
    const std::filesystem::path target =
        std::filesystem::read_symlink(Resolve(next.string()), error);
    if (error) {
      done = next;  // not a link, or not there
      continue;
    }
    if (++links > kMaxLinks) return std::string(host_path);
    if (target.is_absolute()) done = "/";
    todo.insert(todo.begin(), target.begin(), target.end());
  }
  return done.string();
}

}  // namespace nodedevice
