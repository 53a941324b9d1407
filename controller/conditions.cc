#include "controller/conditions.h"

#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// The API takes 32 KiB; nobody reads that much.
constexpr std::size_t kMaxMessage = 4096;

const char* ToString(Truth truth) {
  switch (truth) {
    case Truth::kFalse:
      return "False";
    case Truth::kTrue:
      return "True";
    case Truth::kUnknown:
      return "Unknown";
  }
  return "";
}

}  // namespace

const Json& ConditionOf(const Json& status, const std::string& type) {
  static const Json nothing;
  for (const Json& condition : ListAt(status, "/conditions")) {
    if (TextAt(condition, "/type") == type) return condition;
  }
  return nothing;
}

Json RenderConditions(const std::vector<Condition>& conditions, const Json& previous,
                      std::int64_t generation, WallSeconds now) {
  Json rendered = Json::array();
  for (const Condition& condition : conditions) {
    const Json& before = ConditionOf(previous, condition.type);
    const std::string since = TextAt(before, "/lastTransitionTime");
    const bool stays = TextAt(before, "/status") == ToString(condition.status) && !since.empty();
    rendered.push_back({{"type", condition.type},
                        {"status", ToString(condition.status)},
                        {"reason", condition.reason},
                        {"message", OneLine(condition.message, kMaxMessage)},
                        {"observedGeneration", generation},
                        {"lastTransitionTime", stays ? since : ApiTime(now)}});
  }
  return rendered;
}

}  // namespace nodedevice
