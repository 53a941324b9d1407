#include "controller/routes.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/metrics.h"
#include "lib/base/duration_text.h"
#include "lib/service/responses.h"

namespace nodedevice {
namespace {

// The loop looks around every ten seconds; many missed looks mean that it hangs.
constexpr auto kHangsAfter = std::chrono::seconds(60);

}  // namespace

std::vector<std::string> NotReadyReasons(const ControllerSnapshot& snapshot) {
  if (!snapshot.lease_problem.empty()) {
    return {absl::StrCat("the lease cannot be looked at: ", snapshot.lease_problem)};
  }
  if (!snapshot.leads) return {};
  std::vector<std::string> reasons = snapshot.problems;
  if (!snapshot.missing.empty()) {
    reasons.push_back(absl::StrCat("not listed yet: ", absl::StrJoin(snapshot.missing, ", ")));
  }
  return reasons;
}

std::vector<std::string> NotAliveReasons(const ControllerSnapshot& snapshot, TimePoint now) {
  const Duration silent = now - snapshot.looked_at;
  if (silent < kHangsAfter) return {};
  return {absl::StrCat("the event loop has not come round for ", DurationText(silent))};
}

HttpServer::Routes HealthRoutes(const Published<ControllerSnapshot>& published) {
  HttpServer::Routes routes;
  routes["/healthz"] = [&published] {
    const Latest<ControllerSnapshot> snapshot = published.Get();
    return OkUnless(NotAliveReasons(*snapshot, Clock::now()));
  };
  routes["/readyz"] = [&published] {
    const Latest<ControllerSnapshot> snapshot = published.Get();
    return OkUnless(NotReadyReasons(*snapshot));
  };
  return routes;
}

HttpServer::Routes ControllerRoutes(const Published<ControllerSnapshot>& published,
                                    const RequestStatistics& requests, const TlsCredentials* tls) {
  HttpServer::Routes routes = HealthRoutes(published);
  routes["/metrics"] = [&published, &requests, tls] {
    const Latest<ControllerSnapshot> snapshot = published.Get();
    return MetricsResponse(ToMetrics(*snapshot, requests.Get()), tls);
  };
  return routes;
}

}  // namespace nodedevice
