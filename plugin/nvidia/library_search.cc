#include "plugin/nvidia/library_search.h"

#include <system_error>

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

constexpr char kLibrary[] = "libnvidia-ml.so.1";

constexpr const char* kFolders[] = {
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu/nvidia/current",
    "/usr/lib/aarch64-linux-gnu/nvidia/current",
    "/usr/lib",
    "/lib64",
    "/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
};

}  // namespace

std::span<const char* const> LibraryFolders() { return kFolders; }

LibrarySearch FindNvml(const HostRoot& host, const std::string& driver_root) {
  const std::string prefix = driver_root == "/" ? "" : driver_root;
  // A link of the driver's tree leads to where it would inside of that tree.
  const HostRoot driver(host.Resolve(host.Canonical(driver_root)));
  LibrarySearch search;
  for (const char* folder : LibraryFolders()) {
    absl::StrAppend(&search.looked_in, search.looked_in.empty() ? "" : ", ", prefix, folder);
    // Also one that does not exist yet, for which its parents are watched.
    search.directories.insert(driver.Resolve(driver.Canonical(folder)));
    std::error_code error;
    const std::filesystem::path library =
        driver.Resolve(driver.Canonical(absl::StrCat(folder, "/", kLibrary)));
    if (search.found.empty() && std::filesystem::is_regular_file(library, error)) {
      search.found = library;
    }
  }
  return search;
}

}  // namespace nodedevice
