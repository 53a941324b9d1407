#include "tests/support/fake_zcrypt.h"

#include <cerrno>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kClass[] = "/sys/class/zcrypt/";
constexpr char kNodes[] = "/sys/devices/virtual/zcrypt/";

// One line, and not longer than one can read: "+0,+1,+2,+3,+4,+5,+6...+254,+255\n".
std::string Shown(std::string_view text) {
  std::string whole = absl::CEscape(absl::string_view(text.data(), text.size()));
  if (whole.size() <= 80) return whole;
  return absl::StrCat(whole.substr(0, 20), "...", whole.substr(whole.size() - 11));
}

}  // namespace

FakeZcrypt::FakeZcrypt(const TempDir& node, ZcryptScript& script)
    : DirectHostEdits(HostRoot(node.path())), node_(node), script_(script) {}

absl::Status FakeZcrypt::Call(const std::string& line) {
  if (script_.before) script_.before(line);
  script_.trace.push_back(line);
  if (script_.fails.empty() || !line.starts_with(script_.fails)) return absl::OkStatus();
  return ErrnoStatus(EIO, line.substr(0, line.find('\\')));
}

absl::Status FakeZcrypt::WriteAttribute(const std::string& path, std::string_view text) {
  RETURN_IF_ERROR(Call(absl::StrCat("write ", path, " ", Shown(text))));
  if (path == std::string(kClass) + "create") return Create(std::string(text));
  if (path == std::string(kClass) + "destroy") return Destroy(std::string(text));
  return SetMask(path, text);
}

absl::Status FakeZcrypt::Create(const std::string& name) {
  const fs::path folder = node_.Under(kNodes + name);
  if (fs::exists(folder)) return ErrnoStatus(EEXIST, name);
  for (const char* mask : {"apmask", "aqmask", "ioctlmask", "admask"}) {
    node_.Write(absl::StrCat(kNodes, name, "/", mask), ToText(ApMask()));
  }
  if (script_.nodes_appear) node_.MakeNode("dev/" + name);
  return absl::OkStatus();
}

absl::Status FakeZcrypt::Destroy(const std::string& name) {
  if (!fs::exists(node_.Under(kNodes + name))) return ErrnoStatus(ENOENT, name);
  node_.Remove(kNodes + name);
  node_.Remove("dev/" + name);
  return absl::OkStatus();
}

absl::Status FakeZcrypt::SetMask(const std::string& path, std::string_view text) {
  const auto before = ReadFile(node_.Under(path), 4096);
  if (!before.ok()) return before.status();
  ApMask mask = ParseApMask(*before).value_or(ApMask());
  if (text.starts_with("0x")) {
    const auto whole = ParseApMask(text);
    if (!whole) return ErrnoStatus(EINVAL, path);
    mask = *whole;
  } else {
    const absl::string_view bits(text.data(), text.empty() ? 0 : text.size() - 1);
    for (absl::string_view bit : absl::StrSplit(bits, ',')) {
      unsigned number = 0;
      if (bit.empty() || (bit[0] != '+' && bit[0] != '-') ||
          !absl::SimpleAtoi(bit.substr(1), &number) || number > 255) {
        return ErrnoStatus(EINVAL, path);
      }
      mask[number] = bit[0] == '+';
    }
  }
  node_.Write(path, ToText(mask));
  return absl::OkStatus();
}

absl::Status FakeZcrypt::SetMode(const std::string& path, mode_t mode) {
  RETURN_IF_ERROR(Call(absl::StrFormat("chmod %o %s", mode, path)));
  return DirectHostEdits::SetMode(path, mode);
}

bool FakeZcrypt::WaitFor(const std::string& path, Duration) {
  return Call("wait " + path).ok() && fs::exists(node_.path() / fs::path(path).relative_path());
}

absl::Status FakeZcrypt::MakeFolder(const std::string& path) {
  RETURN_IF_ERROR(Call("folder " + path));
  return DirectHostEdits::MakeFolder(path);
}

absl::Status FakeZcrypt::MakeFile(const std::string& path, std::string_view text) {
  RETURN_IF_ERROR(Call(absl::StrCat("file ", path, " ", Shown(text))));
  return DirectHostEdits::MakeFile(path, text);
}

absl::Status FakeZcrypt::MakeLink(const std::string& path, const std::string& target) {
  RETURN_IF_ERROR(Call(absl::StrCat("link ", path, " ", target)));
  return DirectHostEdits::MakeLink(path, target);
}

absl::Status FakeZcrypt::Rename(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Call(absl::StrCat("rename ", from, " ", to)));
  return DirectHostEdits::Rename(from, to);
}

absl::Status FakeZcrypt::RemoveAll(const std::string& path) {
  RETURN_IF_ERROR(Call("remove " + path));
  return DirectHostEdits::RemoveAll(path);
}

absl::Status FakeZcrypt::LabelForContainers(const std::string& path) {
  RETURN_IF_ERROR(Call("label " + path));
  return DirectHostEdits::LabelForContainers(path);
}

}  // namespace nodedevice::testing
