#include "lib/kube/bounded_name.h"

#include "absl/strings/str_cat.h"
#include "lib/base/fnv1a.h"

namespace nodedevice {

std::string BoundedName(std::string_view name, std::size_t limit) {
  if (name.size() <= limit) return std::string(name);
  const std::string hash = absl::StrCat("-", absl::Hex(Fnv1a(name), absl::kZeroPad16));
  std::string beginning(name.substr(0, limit - hash.size()));
  while (beginning.ends_with('.') || beginning.ends_with('-')) beginning.pop_back();
  return beginning + hash;
}

}  // namespace nodedevice
