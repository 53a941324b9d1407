#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace nodedevice::testing {

// A small Kubernetes API server on 127.0.0.1, by HTTPS: keeps objects with their resourceVersions,
// uids and generations, lists and watches them, takes server-side apply (as a replacement of all
// that was applied; the status on its own) and POST. It admits its own token only. Thread-safe.
class FakeApiServer {
 public:
  using Json = nlohmann::json;

  FakeApiServer();
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  // A kubeconfig that leads here.
  std::string Kubeconfig() const;

  // ---- the cluster's objects, by path: "/api/v1/nodes/n1" ------------------------------------

  // Creates the object, or replaces it as `kubectl replace` does.
  void Put(const std::string& path, Json object);
  void Remove(const std::string& path);
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

  // How many requests came whose "METHOD path" begins with `request`; watches are "WATCH path".
  int Count(const std::string& request) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodedevice::testing
