// vfio-probe: takes an IOMMU group from the kernel as QEMU and DPDK do, and says what it got.
//
//   vfio-probe GROUP-NODE [ADDRESS...]
//
// Prints {"group", "viable", "functions"}: whether the kernel would let the group go, and for each
// function its vendor and device, read from the function itself through vfio. A group that is not
// viable has no functions: the kernel gives none. Exits with 1 when the kernel refuses anything
// else and says what. All is given back at its end.

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lib/base/status.h"
#include "lib/base/unique_fd.h"
#include "nlohmann/json.hpp"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kContainerNode[] = "/dev/vfio/vfio";

absl::Status Refused(const std::string& what) { return ErrnoStatus(errno, what); }

absl::StatusOr<UniqueFd> Open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return Refused(path);
  return fd;
}

// "8086:10d3", as lspci -n has it. The kernel shows a function's configuration space as a region of
// its file.
absl::StatusOr<std::string> ReadId(const UniqueFd& function) {
  vfio_region_info region = {};
  region.argsz = sizeof(region);
  region.index = VFIO_PCI_CONFIG_REGION_INDEX;
  if (::ioctl(function.get(), VFIO_DEVICE_GET_REGION_INFO, &region) != 0) {
    return Refused("VFIO_DEVICE_GET_REGION_INFO");
  }
  std::uint8_t id[4];  // vendor and device, little-endian
  if (::pread(function.get(), id, sizeof(id), static_cast<off_t>(region.offset)) != sizeof(id)) {
    return Refused("reading the configuration space");
  }
  return absl::StrFormat("%02x%02x:%02x%02x", id[1], id[0], id[3], id[2]);
}

absl::StatusOr<bool> IsViable(const UniqueFd& group) {
  vfio_group_status status = {};
  status.argsz = sizeof(status);
  if (::ioctl(group.get(), VFIO_GROUP_GET_STATUS, &status) != 0) {
    return Refused("VFIO_GROUP_GET_STATUS");
  }
  return (status.flags & VFIO_GROUP_FLAGS_VIABLE) != 0;
}

// Puts the group behind an IOMMU of its own, after which the kernel gives its functions.
absl::Status Isolate(const UniqueFd& container, const UniqueFd& group) {
  if (::ioctl(container.get(), VFIO_GET_API_VERSION) != VFIO_API_VERSION) {
    return absl::UnimplementedError(
        absl::StrCat(kContainerNode, " speaks another version of vfio"));
  }
  const int fd = container.get();
  if (::ioctl(group.get(), VFIO_GROUP_SET_CONTAINER, &fd) != 0) {
    return Refused("VFIO_GROUP_SET_CONTAINER");
  }
  if (::ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0) return Refused("VFIO_SET_IOMMU");
  return absl::OkStatus();
}

absl::StatusOr<Json> Probe(const std::string& node, const std::vector<std::string>& addresses) {
  ASSIGN_OR_RETURN(const UniqueFd container, Open(kContainerNode));
  ASSIGN_OR_RETURN(const UniqueFd group, Open(node));
  ASSIGN_OR_RETURN(const bool viable, IsViable(group));
  Json functions = Json::object();
  if (viable) {
    RETURN_IF_ERROR(Annotate(Isolate(container, group), node));
    for (const std::string& address : addresses) {
      const UniqueFd function(::ioctl(group.get(), VFIO_GROUP_GET_DEVICE_FD, address.c_str()));
      if (!function) return Refused(absl::StrCat(address, ": VFIO_GROUP_GET_DEVICE_FD"));
      ASSIGN_OR_RETURN(functions[address], ReadId(function));
    }
  }
  return Json{{"group", node}, {"viable", viable}, {"functions", functions}};
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: vfio-probe GROUP-NODE [ADDRESS...]\n";
    return 2;
  }
  const absl::StatusOr<Json> seen = Probe(argv[1], {argv + 2, argv + argc});
  if (!seen.ok()) {
    std::cerr << "vfio-probe: " << seen.status().message() << "\n";
    return 1;
  }
  std::cout << seen->dump() << "\n";
  return 0;
}

}  // namespace
}  // namespace nodedevice::testing

int main(int argc, char** argv) { return nodedevice::testing::Main(argc, argv); }
