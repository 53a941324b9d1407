#include "tests/support/fake_driver.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nodedevice::testing {

using nlohmann::json;

void FakeDriver::Install(Age age) const {
  // A copy for each node: a library of which one process has two needs two files.
  const std::filesystem::path built =
      programs_ / (age == Age::kNew ? "libfake_nvml.so" : "libfake_nvml_old.so");
  const std::filesystem::path library = node_.Under(folder_ + "/libnvidia-ml.so.1");
  // In one step, as installers do.
  std::filesystem::copy_file(built, library.native() + ".new");
  std::filesystem::rename(library.native() + ".new", library);
}

void FakeDriver::Play(const json& what) const {
  // In one step, because the library may read at any time.
  const std::filesystem::path written = node_.Write(folder_ + "/fake-nvml.json.new", what.dump());
  std::filesystem::rename(written, node_.Under(folder_ + "/fake-nvml.json"));
}

json FakeDriver::Gpu(int minor, const json& more) {
  json gpu = {{"uuid", absl::StrCat("GPU-", minor)},
              {"minor", minor},
              {"memory", 42949672960ull},
              {"busId", absl::StrFormat("00000000:%02X:00.0", 0x3b + minor)}};
  gpu.update(more);
  return gpu;
}

json FakeDriver::Mig(int gpu, int gpu_instance, const std::string& profile) {
  return {{"uuid", absl::StrCat("MIG-", gpu, "-", gpu_instance)},
          {"gi", gpu_instance},
          {"ci", 0},
          {"name", "NVIDIA A100-SXM4-40GB MIG " + profile}};
}

}  // namespace nodedevice::testing
