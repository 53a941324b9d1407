#include "controller/drift.h"

#include "absl/strings/str_cat.h"
#include "lib/base/fnv1a.h"

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
  // The keys of the text are sorted.
  return absl::StrCat(absl::Hex(Fnv1a(object.dump()), absl::kZeroPad16));
}

bool NeedsApply(const Json& wanted, const Json& has) { return !Contains(has, wanted); }

}  // namespace nodedevice
