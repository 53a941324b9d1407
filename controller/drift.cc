#include "controller/drift.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// Lists of objects are compared in order: the API server keeps that of the applier.
bool Contains(const Json& has, const Json& wanted) {
  if (wanted.is_object()) {
    if (!has.is_object()) return false;
    for (const auto& [key, value] : wanted.items()) {
      const auto at = has.find(key);
      if (at == has.end() || !Contains(*at, value)) return false;
    }
    return true;
  }
  if (wanted.is_array()) {
    if (!has.is_array() || has.size() < wanted.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!Contains(has[i], wanted[i])) return false;
    }
    return true;
  }
  return has == wanted;
}

}  // namespace

std::string Fingerprint(const Json& object) {
  // FNV-1a over the sorted text: only to see that something changed.
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : object.dump()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return absl::StrFormat("%016x", hash);
}

bool NeedsApply(const Json& wanted, const Json& has) { return !Contains(has, wanted); }

}  // namespace nodedevice
