#include "lib/api/onload.h"

#include "lib/api/host_path.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::int64_t kMaxSlots = 10'000;
constexpr std::string_view kRoot = "/";

void ReadContainerPath(ObjectReader& reader, std::string_view key, bool may_be_root,
                       std::string* path) {
  std::optional<std::string> text = reader.Text(key);
  if (!text) return;
  if ((may_be_root && *text == kRoot) ||
      reader.Check(key, CheckContainerPath(*text, /*may_be_folder=*/false))) {
    *path = *std::move(text);
  }
}

}  // namespace

Onload ReadOnload(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  Onload onload;
  ObjectReader reader(element, errors);
  onload.announce =
      reader
          .Choice<Onload::Announce>("announce", {{"Slots", Onload::Announce::kSlots},
                                                 {"Interfaces", Onload::Announce::kInterfaces}})
          .value_or(onload.announce);
  onload.max = static_cast<int>(reader.Integer("max", 1, kMaxSlots).value_or(onload.max));
  onload.need_nic = reader.Bool("needNic").value_or(onload.need_nic);
  if (onload.announce == Onload::Announce::kInterfaces) {
    for (const std::string_view key : {"max", "needNic"}) {
      if (reader.Has(key)) reader.Fail(key, "applies to announce: Slots only");
    }
  }
  onload.mount_onload = reader.Bool("mountOnload").value_or(onload.mount_onload);
  onload.preload = reader.Bool("preload").value_or(!onload.mount_onload);
  if (onload.preload && onload.mount_onload) {
    reader.Fail("mountOnload",
                "must not be true together with preload: either every program runs on Onload, or "
                "those that are started by the command onload");
  }
  // What is looked for is below usr, which is allowed in any case.
  if (auto path = reader.Text("hostPath");
      path && (*path == kRoot || reader.Check("hostPath", CheckHostPath(*path, policy)))) {
    onload.host_path = *std::move(path);
  }
  ReadContainerPath(reader, "baseMountPath", /*may_be_root=*/true, &onload.base_mount_path);
  ReadContainerPath(reader, "binPath", /*may_be_root=*/false, &onload.bin_path);
  ReadContainerPath(reader, "libPath", /*may_be_root=*/false, &onload.lib_path);
  reader.RejectUnknown();
  return onload;
}

}  // namespace nodedevice
