#include "lib/metrics/access.h"

namespace nodedevice {

Access DecideAccess(const AccessRules& rules, const HttpRequest& request,
                    const std::optional<std::string>& certificate_name) {
  if (rules.open_paths.contains(request.path)) return Access::kGranted;
  if (certificate_name) {
    return rules.client_names.contains(*certificate_name) ? Access::kGranted : Access::kForbidden;
  }
  return request.bearer_token ? Access::kReview : Access::kUnauthenticated;
}

Access DecideAccess(const TokenVerdict& verdict) {
  if (!verdict.authenticated) return Access::kUnauthenticated;
  return verdict.allowed ? Access::kGranted : Access::kForbidden;
}

HttpResponse Unauthenticated() {
  return {.status = 401,
          .body =
              "show a client certificate that --client-ca verifies, or a bearer token of a "
              "user who may get /metrics\n"};
}

HttpResponse Forbidden(const std::string& user) {
  return {.status = 403,
          .body = absl::StrCat(
              user.empty() ? "this client" : user,
              " may not read this: a client certificate needs a name of --client-name, a token a "
              "user with the verb get on the non-resource URL /metrics\n")};
}

HttpResponse NotReviewed(const absl::Status& status) {
  return {.status = 503,
          .body = absl::StrCat(
              "nobody could say whether this token may read this: ", status.message(), "\n")};
}

}  // namespace nodedevice
