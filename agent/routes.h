#pragma once

#include "agent/snapshot.h"
#include "lib/base/published.h"
#include "lib/metrics/http_server.h"
#include "lib/metrics/tls_credentials.h"

namespace nodedevice {

// What the agent serves: /metrics, /healthz, /readyz and the page for people at "/", each a view of
// the newest snapshot. `tls`: with what it is served; null: plain HTTP. Both must outlive the
// server.
HttpServer::Routes AgentRoutes(const Published<Snapshot>& published,
                               const TlsCredentials* tls = nullptr);

}  // namespace nodedevice
