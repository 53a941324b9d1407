#pragma once

#include <map>
#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice::testing {

// What field managers have applied to one object, and what that makes of it, as an API server does
// it with force: the fields that are named are set, those that the same manager had named before
// and nobody names any more are removed, everything else stays. Lists are one value, but for
// finalizers, which are a set. metadata.managedFields tells who named what, at a time long ago.
class AppliedFields {
 public:
  using Json = nlohmann::json;

  // The object after this; `object` may be null. Without "status", which is applied on its own.
  Json Apply(Json object, const std::string& manager, Json wanted);

 private:
  std::map<std::string, Json> wanted_;  // by manager
};

}  // namespace nodedevice::testing
