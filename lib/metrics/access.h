#pragma once

// Who may read what over TLS. Decisions only: nothing here touches a socket or the API server.

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "lib/base/status.h"
#include "lib/metrics/http_request.h"
#include "lib/metrics/http_response.h"

namespace nodedevice {

// What the Kubernetes API says of a bearer token: whose it is (TokenReview), and whether that user
// may get /metrics (SubjectAccessReview).
struct TokenVerdict {
  bool authenticated = false;
  bool allowed = false;
  std::string user = {};
  bool operator==(const TokenVerdict&) const = default;
};

// Finds out, without blocking, and calls `done` once, on any thread, also after the server is gone.
// An error means that nobody knows: the request is answered with 503, never let in.
using TokenReviewer =
    std::function<void(std::string token, std::function<void(absl::StatusOr<TokenVerdict>)> done)>;

struct AccessRules {
  // Subject common names of client certificates that are let in.
  std::set<std::string> client_names;
  // Paths that need no authorisation: the kubelet's probes have none to show.
  std::set<std::string> open_paths = {"/healthz", "/readyz"};
};

enum class Access {
  kGranted,
  kUnauthenticated,  // 401
  kForbidden,        // 403
  kReview,           // the token decides
};

// `certificate_name`: the common name of the client certificate that was verified, empty when the
// certificate has not exactly one; nothing when none was shown. Such a certificate decides alone.
Access DecideAccess(const AccessRules& rules, const HttpRequest& request,
                    const std::optional<std::string>& certificate_name);

// What the verdict on its token means for a request.
Access DecideAccess(const TokenVerdict& verdict);

// 401 and 403, with what to do; `user` may be empty.
HttpResponse Unauthenticated();
HttpResponse Forbidden(const std::string& user);
// 503: the review failed.
HttpResponse NotReviewed(const absl::Status& status);

}  // namespace nodedevice
