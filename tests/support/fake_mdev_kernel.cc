#include "tests/support/fake_mdev_kernel.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"

namespace nodedevice::testing {

namespace fs = std::filesystem;

namespace {

std::string FolderOf(const std::string& parent) { return "sys/devices/pci0000:3a/" + parent; }

}  // namespace

void FakeMdevKernel::Register(const std::string& parent, int room, const std::vector<Type>& types,
                              bool one_type) {
  parents_[parent] = {.room = room, .one_type = one_type, .types = types, .devices = {}};
  fs::create_directory_symlink("../../devices/pci0000:3a/" + parent,
                               node_.Under("sys/class/mdev_bus/" + parent));
  for (const Type& type : types) {
    const std::string folder = FolderOf(parent) + "/mdev_supported_types/" + type.id;
    if (!type.name.empty()) node_.Write(folder + "/name", type.name + "\n");
    node_.Write(folder + "/create", "");
  }
  ShowRoom(parent);
}

int FakeMdevKernel::RoomFor(const Parent& parent, const Type& type) const {
  int left = parent.room;
  for (const auto& [uuid, other] : parent.devices) {
    if (parent.one_type && other != type.id) return 0;
    left -= std::ranges::find(parent.types, other, &Type::id)->size;
  }
  return left / type.size;
}

void FakeMdevKernel::ShowRoom(const std::string& name) const {
  const Parent& parent = parents_.at(name);
  for (const Type& type : parent.types) {
    node_.Write(FolderOf(name) + "/mdev_supported_types/" + type.id + "/available_instances",
                absl::StrCat(RoomFor(parent, type), "\n"));
  }
}

absl::Status FakeMdevKernel::Write(const fs::path& file, std::string_view value) {
  const std::string text(value);
  const bool create = file.filename() == "create";
  const std::string object = file.parent_path().filename();  // a type, or a device
  const std::string parent = file.parent_path().parent_path().parent_path().filename();
  trace_.push_back(create ? absl::StrCat("create ", parent, " ", object, " <- ", text)
                          : absl::StrCat("remove ", object, " <- ", text));
  for (const std::string& begin : refused_) {
    if (trace_.back().starts_with(begin)) return ErrnoStatus(EIO, file.string());
  }
  if (!create) return Remove(object);
  const auto found = parents_.find(parent);
  if (found == parents_.end()) return ErrnoStatus(ENOENT, file.string());
  const auto type = std::ranges::find(found->second.types, object, &Type::id);
  if (type == found->second.types.end()) return ErrnoStatus(ENOENT, file.string());
  if (RoomFor(found->second, *type) < 1) return ErrnoStatus(ENOSPC, file.string());
  if (!stubborn_.contains(object)) Make(parent, object, text);
  return absl::OkStatus();
}

void FakeMdevKernel::Make(const std::string& parent, const std::string& type,
                          const std::string& uuid) {
  parents_.at(parent).devices[uuid] = type;
  const std::string group = std::to_string(++last_group_);
  const std::string folder = FolderOf(parent) + "/" + uuid;
  node_.Write(folder + "/remove", "");
  const auto link = [this](const std::string& target, const std::string& path) {
    fs::create_directory_symlink(target, node_.Under(path));
  };
  link("../mdev_supported_types/" + type, folder + "/mdev_type");
  fs::create_directories(node_.Under("sys/kernel/iommu_groups/" + group));
  link("../../../../kernel/iommu_groups/" + group, folder + "/iommu_group");
  bus_.MakeGroupNode(group);
  link("../../../devices/pci0000:3a/" + parent + "/" + uuid, "sys/bus/mdev/devices/" + uuid);
  ShowRoom(parent);
}

absl::Status FakeMdevKernel::Remove(const std::string& uuid) {
  for (auto& [name, parent] : parents_) {
    if (parent.devices.erase(uuid) == 0) continue;
    fs::remove_all(node_.Under(FolderOf(name) + "/" + uuid));
    fs::remove(node_.Under("sys/bus/mdev/devices/" + uuid));
    ShowRoom(name);
    return absl::OkStatus();
  }
  return ErrnoStatus(ENOENT, uuid);
}

std::vector<std::string> FakeMdevKernel::Devices() const {
  return NamesIn(node_.path() / "sys/bus/mdev/devices");
}

}  // namespace nodedevice::testing
