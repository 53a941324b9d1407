#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace nodedevice::testing {

// A small Kubernetes API server on 127.0.0.1, by HTTPS: keeps objects with their resourceVersions,
// uids and generations, lists and watches them, takes server-side apply (server_side_apply.h; the
// status on its own, as a whole), merge patches (the status likewise), POST, PUT of an object at
// its resourceVersion, and DELETE, which waits for finalizers. It admits one token only, and fails
// as a test wants it to. Thread-safe.
class FakeApiServer {
 public:
  using Json = nlohmann::json;

  FakeApiServer();
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  // A kubeconfig that leads here, with the token that is admitted, or with this file of a token.
  std::string Kubeconfig(const std::string& token_file = "") const;

  // ---- the cluster's objects, by path: "/api/v1/nodes/n1" ------------------------------------

  // Creates the object, or replaces it as `kubectl replace` does.
  void Put(const std::string& path, Json object);
  // At once, whatever its finalizers say.
  void Remove(const std::string& path);
  // As PATCH with a JSON merge patch and DELETE do it, of what there is.
  void Merge(const std::string& path, const Json& patch);
  void Delete(const std::string& path);
  std::optional<Json> Find(const std::string& path) const;
  // Every object below a collection's path, in order of their creation.
  std::vector<Json> In(const std::string& collection) const;
  // What a POST to this path gets instead of a new object.
  void AnswerPost(const std::string& path, std::function<Json(const Json& object)> answer);

  // ---- how it behaves ------------------------------------------------------------------------

  // From now on requests whose "METHOD path" begins with `request` are refused with this code; 0:
  // not any more. A code of 429 comes with Retry-After: 1.
  void Refuse(const std::string& request, int code);
  // Takes requests and does not answer them, until told otherwise.
  void Hang(bool hang);
  // Ends the watches that are open.
  void EndStreams();
  // Forgets what happened before now: a watch from there is told 410.
  void Expire();
  // A request, as it comes.
  struct Call {
    std::string request;  // "METHOD path"
    std::string user_agent;
  };
  // The very bytes that a request gets instead of an answer, after which the connection is cut;
  // nullopt: it is answered as usual. Called with the server's lock held.
  using Fault = std::function<std::optional<std::string>(const Call& call)>;
  // From now on every request meets this; nullptr: not any more.
  void Fail(Fault fault);
  // From now on this is told of every request that was done, before it is answered; nullptr: not
  // any more. Called with the server's lock held.
  void OnDone(std::function<void(const Call& call)> tell);
  // Admits this token from now on, and no other.
  void Admit(const std::string& token);
  // Shows a certificate that has expired, or a good one, and cuts the connections that are open.
  void ShowExpiredCertificate(bool expired);

  // How many requests came whose "METHOD path" begins with `request`; watches are "WATCH path".
  int Count(const std::string& request) const;
  // How many of all of them were refused, for whatever reason, or met a fault; and handshakes that
  // failed.
  int Failures() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodedevice::testing
