#include "tests/support/mco/cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/kube/object_fields.h"

namespace nodedevice::testing::mco {

using Json = nlohmann::json;

std::string NameOf(const Json& object) { return TextAt(object, "/metadata/name"); }

std::string PathOf(const char* collection, const Json& object) {
  return absl::StrCat(collection, "/", NameOf(object));
}

std::string AnnotationOf(const Json& object, const char* key) {
  const Json& annotations = ValueAt(object, "/metadata/annotations");
  const auto found = annotations.find(key);
  if (!annotations.is_object() || found == annotations.end() || !found->is_string()) return "";
  return found->get<std::string>();
}

const Json* Find(const std::vector<Json>& objects, const std::string& name) {
  const auto found =
      std::ranges::find_if(objects, [&](const Json& object) { return NameOf(object) == name; });
  return found == objects.end() ? nullptr : &*found;
}

Write Create(const char* collection, Json object) {
  return {.kind = Write::Kind::kCreate, .path = collection, .body = std::move(object)};
}

Write Patch(const char* collection, const Json& object, Json patch) {
  return {
      .kind = Write::Kind::kPatch, .path = PathOf(collection, object), .body = std::move(patch)};
}

Write PatchStatus(const char* collection, const Json& object, Json status) {
  return {.kind = Write::Kind::kPatch,
          .path = PathOf(collection, object) + "/status",
          .body = {{"status", std::move(status)}}};
}

Write Delete(const char* collection, const std::string& name) {
  return {.kind = Write::Kind::kDelete, .path = absl::StrCat(collection, "/", name)};
}

}  // namespace nodedevice::testing::mco
