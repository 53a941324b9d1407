#include "controller/pools/pools_status.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxText = 2048;  // of one pool
constexpr char kType[] = "PoolsConfigured";

}  // namespace

std::optional<PoolRollout> RolloutInStatus(const Json& config_object, const std::string& pool,
                                           std::int64_t generation) {
  static const std::set<std::string> written = {
      ToString(PoolState::kAccepted), ToString(PoolState::kRendered),
      ToString(PoolState::kRollingOut), ToString(PoolState::kComplete)};
  for (const Json& entry : ListAt(config_object, "/status/pools")) {
    const Json& rollout = ValueAt(entry, "/rollout");
    if (TextAt(entry, "/name") != pool ||
        ValueAt(rollout, "/observedGeneration") != Json(generation)) {
      continue;
    }
    const std::string state = TextAt(rollout, "/state");
    return PoolRollout{state, TextAt(rollout, "/message"), written.contains(state)};
  }
  return std::nullopt;
}

std::string TextOf(const PoolReport& report) {
  return report.pool.empty() ? report.message
                             : absl::StrCat("pool ", report.pool, ": ", report.message);
}

Json RolloutForStatus(const PoolReport& report, std::int64_t generation) {
  return {{"state", ToString(report.state)},
          {"message", OneLine(report.message, kMaxText)},
          {"observedGeneration", generation}};
}

std::optional<Condition> PoolsConfigured(const PoolsReport& report) {
  if (report.pools.empty()) return std::nullopt;
  const PoolState worst = std::ranges::min(report.pools, {}, &PoolReport::state).state;
  std::vector<std::string> texts;
  for (const PoolReport& pool : report.pools) {
    texts.push_back(TextOf(pool));
  }
  return Condition{.type = kType,
                   .status = worst == PoolState::kComplete ? Truth::kTrue : Truth::kFalse,
                   .reason = ToString(worst),
                   .message = absl::StrJoin(texts, ". ")};
}

Json StatusWhileLeaving(const Json& config_object, const PoolsReport& report, WallSeconds now) {
  Json status = ValueAt(config_object, "/status");
  if (!status.is_object()) status = Json::object();
  const std::optional<Condition> condition = PoolsConfigured(report);
  if (!condition) return status;
  const Json& generation = ValueAt(config_object, "/metadata/generation");
  const Json rendered =
      RenderConditions({*condition}, status,
                       generation.is_number_integer() ? generation.get<std::int64_t>() : 0, now);
  Json conditions = Json::array();
  for (const Json& other : ListAt(status, "/conditions")) {
    if (TextAt(other, "/type") != kType) conditions.push_back(other);
  }
  conditions.push_back(rendered.front());
  status["conditions"] = std::move(conditions);
  return status;
}

}  // namespace nodedevice
