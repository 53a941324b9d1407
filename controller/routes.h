#pragma once

#include <string>
#include <vector>

#include "controller/snapshot.h"
#include "lib/base/published.h"
#include "lib/metrics/http_server.h"
#include "lib/metrics/tls_credentials.h"
#include "lib/service/request_statistics.h"

namespace nodedevice {

// Why this controller could not take over, or does not do its work; empty: it does, or stands by.
std::vector<std::string> NotReadyReasons(const ControllerSnapshot& snapshot);

// Why it should be started again.
std::vector<std::string> NotAliveReasons(const ControllerSnapshot& snapshot, TimePoint now);

// /healthz and /readyz. What they are given must outlive the server.
HttpServer::Routes HealthRoutes(const Published<ControllerSnapshot>& published);

// The same and /metrics. `tls` may be null.
HttpServer::Routes ControllerRoutes(const Published<ControllerSnapshot>& published,
                                    const RequestStatistics& requests, const TlsCredentials* tls);

}  // namespace nodedevice
