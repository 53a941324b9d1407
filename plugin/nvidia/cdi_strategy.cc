#include "plugin/nvidia/cdi_strategy.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/fnv1a.h"

namespace nodedevice {

void ApplyCdiStrategy(const Nvidia& nvidia, ContainerAnswer& answer) {
  if (answer.cdi.empty()) return;
  if (Has(nvidia, Nvidia::ListStrategy::kCdiAnnotations)) {
    const std::string names = absl::StrJoin(answer.cdi, ",");
    // Annotations of several resources of one container must not be called the same.
    answer.annotations[absl::StrCat(nvidia.cdi_annotation_prefix, "nvidia-device-plugin_",
                                    absl::Hex(Fnv1a(names), absl::kZeroPad16))] = names;
  }
  if (!Has(nvidia, Nvidia::ListStrategy::kCdiCri)) answer.cdi.clear();
}

}  // namespace nodedevice
