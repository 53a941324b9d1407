#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "nlohmann/json.hpp"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// NVIDIA's driver on a node that is a directory: a library that plays GPUs, and the file beside it
// that says which (tests/support/fake_nvml.cc explains it).
class FakeDriver {
 public:
  // `folder` of the node is where the library will be. It is one of the build in `programs`: other
  // programs than those of this build cannot load what has its sanitizers.
  explicit FakeDriver(const TempDir& node, std::string folder = "usr/lib64",
                      std::filesystem::path programs = ProgramFolder())
      : node_(node), folder_(std::move(folder)), programs_(std::move(programs)) {}

  enum class Age { kNew, kOld };  // an old one knows neither MIG nor events
  void Install(Age age = Age::kNew) const;

  // From now on the library plays this.
  void Play(const nlohmann::json& what) const;

  // {"uuid": "GPU-<minor>", "minor": ..., "busId": ...} with the further fields.
  static nlohmann::json Gpu(int minor, const nlohmann::json& more = nlohmann::json::object());
  // {"uuid": "MIG-<gpu>-<gi>", ...} of the profile.
  static nlohmann::json Mig(int gpu, int gpu_instance, const std::string& profile);

 private:
  const TempDir& node_;
  const std::string folder_;
  const std::filesystem::path programs_;
};

}  // namespace nodedevice::testing
