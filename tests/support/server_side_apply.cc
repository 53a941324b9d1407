#include "tests/support/server_side_apply.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSet = "finalizers";

bool Holds(const Json& list, const Json& value) {
  return std::ranges::find(list, value) != list.end();
}

// What makes an object this one and no other; nobody owns it.
Json WithoutIdentity(Json object) {
  for (const char* key : {"apiVersion", "kind", "status"}) object.erase(key);
  if (object.contains("metadata")) {
    for (const char* key : {"name", "namespace", "uid", "managedFields"}) {
      object["metadata"].erase(key);
    }
  }
  return object;
}

// Takes out of `object` what `before` names and none of `still` does.
void Remove(const Json& before, const std::vector<const Json*>& still, Json& object) {
  for (const auto& [key, value] : before.items()) {
    if (!object.contains(key)) continue;
    std::vector<const Json*> named;
    for (const Json* other : still) {
      if (other->is_object() && other->contains(key)) named.push_back(&other->at(key));
    }
    if (value.is_object() && object[key].is_object()) {
      Remove(value, named, object[key]);
      if (object[key].empty() && named.empty()) object.erase(key);
    } else if (key == kSet) {
      Json kept = Json::array();
      for (const Json& element : object[key]) {
        if (!Holds(value, element) ||
            std::ranges::any_of(named, [&](const Json* list) { return Holds(*list, element); })) {
          kept.push_back(element);
        }
      }
      object[key] = std::move(kept);
      if (object[key].empty()) object.erase(key);
    } else if (named.empty()) {
      object.erase(key);
    }
  }
}

void Set(const Json& wanted, Json& object) {
  if (!object.is_object()) object = Json::object();
  for (const auto& [key, value] : wanted.items()) {
    if (value.is_object()) {
      Set(value, object[key]);
    } else if (key == kSet && object.contains(key)) {
      for (const Json& element : value) {
        if (!Holds(object[key], element)) object[key].push_back(element);
      }
    } else if (key != kSet || !value.empty()) {
      object[key] = value;
    }
  }
}

Json FieldsOf(const Json& wanted) {
  Json fields = Json::object();
  for (const auto& [key, value] : wanted.items()) {
    fields["f:" + key] = value.is_object() ? FieldsOf(value) : Json::object();
  }
  return fields;
}

}  // namespace

Json AppliedFields::Apply(Json object, const std::string& manager, Json wanted) {
  if (!object.is_object()) object = Json::object();
  const Json named = WithoutIdentity(wanted);
  std::vector<const Json*> still = {&named};
  for (const auto& [other, fields] : wanted_) {
    if (other != manager) still.push_back(&fields);
  }
  if (const auto before = wanted_.find(manager); before != wanted_.end()) {
    Remove(before->second, still, object);
  }
  wanted.erase("status");
  if (wanted.contains("metadata")) wanted["metadata"].erase("managedFields");
  Set(wanted, object);
  wanted_[manager] = named;
  Json managers = Json::array();
  for (const auto& [name, fields] : wanted_) {
    managers.push_back({{"manager", name},
                        {"operation", "Apply"},
                        {"time", "2026-01-02T03:04:05Z"},
                        {"fieldsV1", FieldsOf(fields)}});
  }
  object["metadata"]["managedFields"] = std::move(managers);
  return object;
}

}  // namespace nodedevice::testing
