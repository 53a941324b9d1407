#include "plugin/zcrypt/zcrypt_node.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "plugin/discovery/device_node.h"
#include "plugin/zcrypt/ap_mask.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr char kNodes[] = "/sys/devices/virtual/zcrypt";  // of sysfs, one folder each
constexpr Duration kAppears = std::chrono::milliseconds(6'400);
constexpr mode_t kMode = 0666;

// What one mask of a node must be.
struct Mask {
  const char* file;
  ApMask wanted;
};

std::array<Mask, 3> MasksOf(const ApqnId& id) {
  return {Mask{"apmask", OnlyBit(id.adapter)}, Mask{"aqmask", OnlyBit(id.domain)},
          Mask{"ioctlmask", ApMask().set()}};
}

std::string NodeFolder(const ApqnId& id) { return absl::StrCat(kNodes, "/", ZcryptNodeName(id)); }
std::string NodePath(const ApqnId& id) { return absl::StrCat("/dev/", ZcryptNodeName(id)); }

bool IsFolder(const HostRoot& host, const std::string& path) {
  std::error_code error;
  return fs::is_directory(host.Resolve(path), error);
}

// "+3\n": the words of a new node, whose masks are empty.
std::string AddBits(const ApMask& mask) {
  std::string text;
  for (std::size_t bit = 0; bit < mask.size(); ++bit) {
    if (mask[bit]) absl::StrAppend(&text, text.empty() ? "+" : ",+", bit);
  }
  return text + "\n";
}

absl::Status OpenToAll(const std::string& node, const HostRoot& host, HostEdits& edits) {
  if (std::string problem = NodeProblem(host, node); !problem.empty()) {
    return absl::FailedPreconditionError(problem);
  }
  struct stat info = {};
  if (::lstat(host.ResolveNative(node).c_str(), &info) != 0) return ErrnoStatus(errno, node);
  if ((info.st_mode & 0777) == kMode) return absl::OkStatus();
  return edits.SetMode(node, kMode);
}

absl::Status CheckMask(const std::string& path, const ApMask& wanted, const HostRoot& host,
                       HostEdits& edits) {
  ASSIGN_OR_RETURN(const std::string text, ReadAttribute(host.Resolve(path)));
  if (ParseApMask(text) == wanted) return absl::OkStatus();
  // Written as a whole it also takes away what is too much.
  return edits.WriteAttribute(path, ToText(wanted));
}

// What a node needs once the kernel has it.
absl::Status Complete(const ApqnId& id, bool is_new, const HostRoot& host, HostEdits& edits) {
  const std::string node = NodePath(id);
  if (!edits.WaitFor(node, kAppears)) {
    return absl::DeadlineExceededError(
        absl::StrCat(node, " did not appear, although the kernel has the node"));
  }
  RETURN_IF_ERROR(OpenToAll(node, host, edits));
  for (const auto& [file, wanted] : MasksOf(id)) {
    const std::string path = absl::StrCat(NodeFolder(id), "/", file);
    RETURN_IF_ERROR(is_new ? edits.WriteAttribute(path, AddBits(wanted))
                           : CheckMask(path, wanted, host, edits));
  }
  return absl::OkStatus();
}

}  // namespace

std::string ZcryptProblem(const HostRoot& host) {
  std::error_code error;
  if (fs::exists(host.Resolve(absl::StrCat(kZcryptClass, "/create")), error)) return "";
  return absl::StrCat(kZcryptClass,
                      "/create does not exist: this kernel makes no further zcrypt nodes; it needs "
                      "the module zcrypt and the option CONFIG_ZCRYPT_MULTIDEVNODES");
}

absl::StatusOr<bool> EnsureZcryptNode(const ApqnId& id, const HostRoot& host, HostEdits& edits) {
  const std::string name = ZcryptNodeName(id);
  const bool is_new = !IsFolder(host, NodeFolder(id));
  absl::Status status;
  if (is_new) status = edits.WriteAttribute(absl::StrCat(kZcryptClass, "/create"), name);
  if (status.ok()) {
    status = Complete(id, is_new, host, edits);
    if (status.ok()) return is_new;
    // Only what this call made: a node that was there may be in use.
    if (is_new) {
      const absl::Status undone = DestroyZcryptNode(id, host, edits);
      if (!undone.ok()) {
        status = absl::Status(status.code(),
                              absl::StrCat(status.message(), "; and it stays: ", undone.message()));
      }
    }
  }
  return Annotate(status, absl::StrCat("cannot make the zcrypt node ", name, " ready"));
}

absl::Status DestroyZcryptNode(const ApqnId& id, const HostRoot& host, HostEdits& edits) {
  if (!IsFolder(host, NodeFolder(id))) return absl::OkStatus();
  return edits.WriteAttribute(absl::StrCat(kZcryptClass, "/destroy"), ZcryptNodeName(id));
}

std::set<std::string> ZcryptNodes(const HostRoot& host) {
  std::set<std::string> ids;
  for (const std::string& name : NamesIn(host.Resolve(kNodes))) {
    if (const auto id = ParseZcryptNodeName(name)) ids.insert(ToText(*id));
  }
  return ids;
}

}  // namespace nodedevice
