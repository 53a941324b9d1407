#include "agent/foreign_sockets.h"

#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

// A node with thousands of pods has some ten thousand unix sockets.
constexpr std::size_t kTableLimit = 64u << 20;
constexpr std::uint32_t kAcceptsConnections = 0x10000;  // __SO_ACCEPTCON

std::vector<int> ProcessesOf(int process_group) {
  std::vector<int> pids;
  for (const std::string& name : NamesIn("/proc")) {
    const int pid = std::atoi(name.c_str());
    if (pid > 0 && ::getpgid(pid) == process_group) pids.push_back(pid);
  }
  return pids;
}

// The inodes of the sockets that a process has open.
std::set<std::uint64_t> SocketsOf(int pid) {
  constexpr std::string_view kMark = "socket:[";
  std::set<std::uint64_t> inodes;
  const fs::path folder = absl::StrCat("/proc/", pid, "/fd");
  for (const std::string& name : NamesIn(folder)) {
    std::error_code unreadable;
    const std::string target = fs::read_symlink(folder / name, unreadable);
    if (target.starts_with(kMark)) {
      inodes.insert(std::strtoull(target.c_str() + kMark.size(), nullptr, 10));
    }
  }
  return inodes;
}

}  // namespace

std::map<std::uint64_t, fs::path> ListeningSockets(std::string_view table) {
  // Num RefCount Protocol Flags Type St Inode Path
  enum Column { kFlags = 3, kInode = 6, kPath = 7, kColumns };
  std::map<std::uint64_t, fs::path> sockets;
  std::set<std::uint64_t> claimed_twice;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(table.data(), table.size()), '\n')) {
    std::vector<absl::string_view> columns;
    absl::string_view rest = line;
    while (columns.size() < kPath) {
      const std::size_t begin = rest.find_first_not_of(' ');
      if (begin == absl::string_view::npos) break;
      rest.remove_prefix(begin);
      const std::size_t end = rest.find(' ');
      columns.push_back(rest.substr(0, end));
      rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end);
    }
    std::uint32_t flags = 0;
    std::uint64_t inode = 0;
    if (columns.size() < kPath || rest.substr(0, 2) != " /" ||
        !absl::SimpleHexAtoi(columns[kFlags], &flags) ||
        !absl::SimpleAtoi(columns[kInode], &inode) || (flags & kAcceptsConnections) == 0) {
      continue;
    }
    rest.remove_prefix(1);
    if (!sockets.emplace(inode, std::string(rest)).second) claimed_twice.insert(inode);
  }
  for (const std::uint64_t inode : claimed_twice) sockets.erase(inode);
  return sockets;
}

bool HasLostItsSockets(int process_group, const fs::path& folder) {
  const fs::path wanted = (folder / "").lexically_normal();
  std::size_t listens = 0;
  for (const int pid : ProcessesOf(process_group)) {
    const std::set<std::uint64_t> open = SocketsOf(pid);
    if (open.empty()) continue;
    // Of this process: it may be in a network of its own.
    const auto table = ReadFile(absl::StrCat("/proc/", pid, "/net/unix"), kTableLimit);
    if (!table.ok()) continue;
    for (const auto& [inode, path] : ListeningSockets(*table)) {
      if (!open.contains(inode) || (path.parent_path() / "").lexically_normal() != wanted) continue;
      std::error_code error;
      if (fs::exists(path, error)) return false;
      ++listens;
    }
  }
  return listens > 0;
}

}  // namespace nodedevice
