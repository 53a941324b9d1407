#include "plugin/discovery/mdev_bus.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "lib/api/mdev.h"
#include "lib/base/file.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

// Longer than any UUID, and than the name of any type; shorter than what would fill a report.
constexpr std::size_t kMaxId = 63;
constexpr std::size_t kMaxShown = 32;

// As names of types are compared: resources cannot have spaces, so nobody writes them.
std::string WithoutSpaces(std::string_view name) {
  return absl::StrReplaceAll(absl::string_view(name.data(), name.size()), {{" ", "_"}});
}

std::string TypesPath(const std::string& parent) {
  return absl::StrCat(kMdevParents, "/", parent, "/mdev_supported_types");
}

}  // namespace

std::vector<MediatedDevice> ListMdevs(const HostRoot& host) {
  std::vector<MediatedDevice> devices;
  const fs::path folder = host.Resolve(kMdevDevices);
  for (const std::string& uuid : NamesIn(folder)) {
    if (uuid.size() > kMaxId) continue;
    MediatedDevice device;
    device.uuid = uuid;
    std::error_code not_a_link;
    const fs::path type = fs::read_symlink(folder / uuid / "mdev_type", not_a_link);
    if (not_a_link) continue;  // just removed, or no mediated device
    device.type_id = type.filename().string();
    device.type_name = WithoutSpaces(ReadAttribute(folder / uuid / "mdev_type/name").value_or(""));
    const fs::path place = host.Canonical(absl::StrCat(kMdevDevices, "/", device.uuid));
    device.parent = place.parent_path().filename().string();
    devices.push_back(std::move(device));
  }
  return devices;
}

MdevParents ListMdevParents(const HostRoot& host) {
  MdevParents parents;
  for (const std::string& parent : NamesIn(host.Resolve(kMdevParents))) {
    if (parent.size() > kMaxId) continue;
    MdevTypes& types = parents[parent];
    const fs::path folder = host.Resolve(TypesPath(parent));
    for (const std::string& id : NamesIn(folder)) {
      if (id.size() > kMaxId) continue;
      MdevType& type = types[id];
      type.name = WithoutSpaces(ReadAttribute(folder / id / "name").value_or(""));
      type.available = ReadAvailable(host, parent, id, &type.problem);
    }
  }
  return parents;
}

int ReadAvailable(const HostRoot& host, const std::string& parent, const std::string& type_id,
                  std::string* problem) {
  const auto text = ReadAttribute(
      host.Resolve(absl::StrCat(TypesPath(parent), "/", type_id, "/available_instances")));
  if (!text.ok()) {
    *problem = std::string(text.status().message());
    return 0;
  }
  std::int64_t number = 0;
  if (!absl::SimpleAtoi(*text, &number) || number < 0) {
    *problem = absl::StrCat("available_instances is no number, but '",
                            absl::CHexEscape(text->substr(0, kMaxShown)), "'");
    return 0;
  }
  return static_cast<int>(std::min<std::int64_t>(number, kMaxMadeMdevs));
}

bool IsMdevType(std::string_view wanted, std::string_view type_id, std::string_view type_name) {
  return wanted == type_id || WithoutSpaces(wanted) == type_name;
}

std::string MdevCreatePath(const std::string& parent, const std::string& type_id) {
  return absl::StrCat(TypesPath(parent), "/", type_id, "/create");
}

std::string MdevRemovePath(const std::string& uuid) {
  return absl::StrCat(kMdevDevices, "/", uuid, "/remove");
}

}  // namespace nodedevice
