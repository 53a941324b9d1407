#include "controller/config_events.h"

#include "absl/strings/str_cat.h"
#include "controller/conditions.h"
#include "controller/pools/pool_state.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

class Change {
 public:
  Change(const Json& before, const Json& after, const std::string& type)
      : before_(ConditionOf(before, type)), after_(ConditionOf(after, type)) {}

  // It is so now, and was not.
  bool To(const std::string& status) const {
    return TextAt(after_, "/status") == status && TextAt(before_, "/status") != status;
  }
  // It is so, for another reason than before.
  bool ReasonWithin(const std::string& status) const {
    return TextAt(after_, "/status") == status && TextAt(before_, "/status") == status &&
           reason() != TextAt(before_, "/reason");
  }
  bool Was(const std::string& status) const { return TextAt(before_, "/status") == status; }
  std::string reason() const { return TextAt(after_, "/reason"); }
  std::string message() const { return TextAt(after_, "/message"); }

 private:
  const Json& before_;
  const Json& after_;
};

// What is written for MachineConfigPools may cost reboots.
void AddOfPools(const Change& pools, const std::string& told, std::vector<ApiEvent>& events) {
  if (pools.To("True")) {
    events.push_back({false, "PoolsConfigured", "Reporting", pools.message(), ""});
  } else if (pools.To("False") || pools.ReasonWithin("False")) {
    if (pools.reason() == ToString(PoolState::kPending)) {
      events.push_back({false, "ConfiguringPools", "Writing", pools.message(), ""});
    } else if (pools.reason() == ToString(PoolState::kTearingDown)) {
      events.push_back({false, "TearingDownPools", "Removing", pools.message(), ""});
    } else if (NeedsALook(pools.reason()) && pools.reason() != told) {
      events.push_back({true, pools.reason(), "Reporting", pools.message(), ""});
    }
  }
}

}  // namespace

std::vector<ApiEvent> EventsBetween(const Json& before, const Json& after) {
  std::vector<ApiEvent> events;
  const Change accepted(before, after, "ConfigAccepted");
  const bool is_refused = accepted.To("False") || accepted.ReasonWithin("False");
  if (is_refused) {
    events.push_back({true, accepted.reason(), "KeepingLastGood", accepted.message(), ""});
  } else if (accepted.To("True")) {
    events.push_back({false, "ConfigAccepted", "Applying", accepted.message(), ""});
  }
  const Change degraded(before, after, "Degraded");
  if (degraded.To("True") || degraded.ReasonWithin("True")) {
    // A refusal has been told.
    if (!is_refused || degraded.reason() != accepted.reason()) {
      events.push_back({true, degraded.reason(), "Reporting", degraded.message(), ""});
    }
  } else if (degraded.To("False") && degraded.Was("True")) {
    events.push_back({false, "Recovered", "Reporting", degraded.message(), ""});
  }
  const Change available(before, after, "Available");
  if (available.To("True")) {
    events.push_back({false, "Available", "Reporting", available.message(), ""});
  } else if (available.Was("True") && available.To("False")) {
    events.push_back({true, available.reason(), "Reporting", available.message(), ""});
  }
  AddOfPools(Change(before, after, "PoolsConfigured"), degraded.reason(), events);
  return events;
}

std::string StatusName(const std::string& config) {
  return absl::StrCat("status of DevicePluginConfig ", config);
}

ApiEvent PutBack(const std::string& object, bool deleted) {
  return {true, deleted ? "ObjectDeleted" : "ObjectChanged", "PuttingBack",
          absl::StrCat("Somebody has ", deleted ? "deleted " : "changed ", object,
                       ", and it is put back: it follows this DevicePluginConfig. Change or delete "
                       "that one instead."),
          object};
}

}  // namespace nodedevice
