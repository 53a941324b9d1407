#include "lib/service/token_review.h"

#include <utility>

#include "lib/base/utf8.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr char kTokenReviews[] = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr char kAccessReviews[] = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

bool IsTrue(const Json& object, const char* pointer) {
  const Json::json_pointer at(pointer);
  return object.contains(at) && object[at] == Json(true);
}

absl::StatusOr<TokenVerdict> Review(ApiClient& client, const std::string& token) {
  // Anybody may send anything here. JSON cannot hold it, so nobody has such a token.
  if (FindInvalidUtf8(token) != std::string_view::npos) return TokenVerdict();
  ASSIGN_OR_RETURN(const Json answer,
                   client.Post(kTokenReviews, {{"apiVersion", "authentication.k8s.io/v1"},
                                               {"kind", "TokenReview"},
                                               {"spec", {{"token", token}}}}));
  TokenVerdict verdict;
  verdict.authenticated = IsTrue(answer, "/status/authenticated");
  if (!verdict.authenticated) return verdict;
  const Json::json_pointer user_at("/status/user");
  if (!answer.contains(user_at) || !answer[user_at].is_object()) {
    return absl::DataLossError("the TokenReview names no user");
  }
  const Json& user = answer[user_at];
  Json question = {{"user", user.value("username", Json())},
                   {"nonResourceAttributes", {{"path", "/metrics"}, {"verb", "get"}}}};
  for (const char* key : {"groups", "extra", "uid"}) {
    if (user.contains(key)) question[key] = user[key];
  }
  if (question["user"].is_string()) verdict.user = question["user"].get<std::string>();
  ASSIGN_OR_RETURN(const Json access,
                   client.Post(kAccessReviews, {{"apiVersion", "authorization.k8s.io/v1"},
                                                {"kind", "SubjectAccessReview"},
                                                {"spec", std::move(question)}}));
  verdict.allowed = IsTrue(access, "/status/allowed");
  return verdict;
}

}  // namespace

TokenReviewer MakeTokenReviewer(Worker& worker, ApiClient& client) {
  return [&worker, &client](std::string token,
                            std::function<void(absl::StatusOr<TokenVerdict>)> done) {
    worker.Do([&client, token = std::move(token), done = std::move(done)] {
      done(Review(client, token));
    });
  };
}

}  // namespace nodedevice
