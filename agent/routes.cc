#include "agent/routes.h"

#include "agent/metrics.h"
#include "agent/page.h"
#include "agent/readiness.h"
#include "lib/service/responses.h"

namespace nodedevice {

HttpServer::Routes AgentRoutes(const Published<Snapshot>& published, const TlsCredentials* tls) {
  HttpServer::Routes routes;
  routes["/metrics"] = [&published, tls] {
    const Latest<Snapshot> snapshot = published.Get();
    return MetricsResponse(ToMetrics(*snapshot), tls);
  };
  routes["/healthz"] = [&published] {
    const Latest<Snapshot> snapshot = published.Get();
    return OkUnless(NotAliveReasons(*snapshot, Clock::now()));
  };
  routes["/readyz"] = [&published] {
    const Latest<Snapshot> snapshot = published.Get();
    return OkUnless(NotReadyReasons(*snapshot));
  };
  routes["/"] = [&published] {
    const Latest<Snapshot> snapshot = published.Get();
    return HttpResponse{.content_type = "text/html; charset=utf-8",
                        .body = RenderPage(*snapshot, Clock::now())};
  };
  return routes;
}

}  // namespace nodedevice
