#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "lib/kube/cluster_access.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Speaks to the Kubernetes API server (contracts/openshift.md 2.1 to 2.4) over cpprestsdk. Answers
// are JSON; errors are those of lib/kube/api_error.h, or kUnavailable and kDeadlineExceeded when
// there was no answer. Tokens and certificates are read again as they rotate, and at once after a
// 401. Nothing else is retried here, but what a dead connection did not take: whoever asks knows
// whether it is still wanted.
//
// Thread-safe. The blocking calls must not come from the event loop.
class ApiClient {
 public:
  struct Settings {
    std::string user_agent;  // "node-device-agent/0.1.0"; also the field manager's first word
    std::chrono::seconds timeout{30};    // of a request; a watch has its own
    std::size_t max_answer = 32u << 20;  // bytes; a longer one is an error
    // Is told of each answer, watches that begin or are refused included; 0: there was none. Any
    // thread.
    std::function<void(std::string_view verb, int http_status, Duration took)> on_answer = {};
  };

  // Fails when the credentials cannot be read.
  static absl::StatusOr<std::unique_ptr<ApiClient>> Create(const ClusterAccess& access,
                                                           Settings settings);
  // Ends the streams that are open; their `on_end` is not called any more.
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  // Ends the blocking calls that run with kCancelled, and every later one: the program ends, and
  // waits for nobody.
  void Shutdown();

  // `path` is "/api/v1/nodes/n1", with a query where there is one.
  absl::StatusOr<nlohmann::json> Get(const std::string& path);
  absl::StatusOr<nlohmann::json> Post(const std::string& path, const nlohmann::json& object);
  // The whole object, by PUT: an error of code kAborted when it is not at the resourceVersion any
  // more that stands in `object`.
  absl::StatusOr<nlohmann::json> Replace(const std::string& path, const nlohmann::json& object);
  absl::StatusOr<nlohmann::json> Delete(const std::string& path, const nlohmann::json& options);
  absl::StatusOr<nlohmann::json> MergePatch(const std::string& path, const nlohmann::json& patch);

  // Server-side apply of everything that `manager` wants of the object, by raw PATCH: fields that
  // it applied before and are missing now are removed. `force` takes fields from other managers:
  // for objects of our own only.
  absl::StatusOr<nlohmann::json> Apply(const std::string& path, const nlohmann::json& object,
                                       const std::string& manager, bool force);

  // A collection in pages, as one list, of at most 100,000 objects. `trim` is called with each
  // object, so that of a large list not everything must be kept.
  using Trim = std::function<void(nlohmann::json& object)>;
  absl::StatusOr<nlohmann::json> List(const std::string& path, const std::string& selector,
                                      const std::string& resource_version, const Trim& trim = {});

  // A watch that is open. Destroying it closes it; nothing is called after that.
  class Stream {
   public:
    virtual ~Stream() = default;
  };
  struct StreamCallbacks {
    std::function<void()> on_open = {};  // the server has accepted the watch
    std::function<void(std::string)> on_bytes;
    std::function<void(absl::Status)> on_end;  // OK: the server closed it
  };
  // Returns at once. The callbacks come from another thread, one at a time: they may only post.
  std::unique_ptr<Stream> Watch(const std::string& path, const std::string& selector,
                                const std::string& resource_version, std::chrono::seconds timeout,
                                StreamCallbacks callbacks);

 private:
  struct Impl;
  explicit ApiClient(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace nodedevice
