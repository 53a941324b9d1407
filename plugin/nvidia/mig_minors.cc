#include "plugin/nvidia/mig_minors.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nodedevice {

MigMinors ParseMigMinors(std::string_view text) {
  MigMinors minors;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    int minor = 0;
    if (words.size() != 2 || !absl::SimpleAtoi(words[1], &minor) || minor < 0) continue;
    minors.emplace(std::string(words[0]), minor);
  }
  return minors;
}

std::vector<std::string> MigCapNodes(const MigMinors& minors, unsigned gpu_minor,
                                     const MigDevice& device) {
  const std::string instance = absl::StrCat("gpu", gpu_minor, "/gi", device.gpu_instance);
  const auto gpu = minors.find(absl::StrCat(instance, "/access"));
  const auto compute =
      minors.find(absl::StrCat(instance, "/ci", device.compute_instance, "/access"));
  if (gpu == minors.end() || compute == minors.end()) return {};
  return {absl::StrCat("/dev/nvidia-caps/nvidia-cap", gpu->second),
          absl::StrCat("/dev/nvidia-caps/nvidia-cap", compute->second)};
}

}  // namespace nodedevice
