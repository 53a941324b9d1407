#include "lib/kube/bounded_name.h"

#include <cstdint>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

// FNV-1a: only to keep long names apart.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

}  // namespace

std::string BoundedName(std::string_view name, std::size_t limit) {
  if (name.size() <= limit) return std::string(name);
  char hash[17];
  std::snprintf(hash, sizeof(hash), "%016llx", static_cast<unsigned long long>(Hash(name)));
  std::string beginning(name.substr(0, limit - sizeof(hash)));
  while (beginning.ends_with('.') || beginning.ends_with('-')) beginning.pop_back();
  return absl::StrCat(beginning, "-", hash);
}

}  // namespace nodedevice
