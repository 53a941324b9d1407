#pragma once

#include "agent/snapshot.h"
#include "lib/base/published.h"
#include "lib/metrics/http_server.h"

namespace nodedevice {

// What the agent serves: /metrics, /healthz, /readyz and the page for people at "/", each a view of
// the newest snapshot. `published` must outlive the server.
HttpServer::Routes AgentRoutes(const Published<Snapshot>& published);

}  // namespace nodedevice
