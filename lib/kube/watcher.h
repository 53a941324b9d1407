#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "lib/kube/watch_session.h"

namespace nodedevice {

// The shell around a WatchSession: lists on a worker, watches, and calls back on the loop with what
// changed, through every failure.
//
// Loop thread only. The client must outlive the worker, both the watcher.
class Watcher {
 public:
  struct Target {
    std::string path;           // "/apis/nodedevices.io/v1alpha1/devicepluginconfigs"
    std::string selector = {};  // "fieldSelector=metadata.name=rig", "labelSelector=...", or empty
    bool is_large = false;      // thousands of objects: their list is asked for in pages
    // Takes away what nobody reads, of each listed object, before all of them are kept at once. On
    // the worker.
    ApiClient::Trim trim = {};
  };
  struct Callbacks {
    std::function<void(const nlohmann::json& object)> on_upsert;
    std::function<void(const std::string& key)> on_remove;
    std::function<void()> on_synced;
    // The problem() is another one than before; OK: what is known is fresh.
    std::function<void(const absl::Status&)> on_problem;
  };

  Watcher(EventLoop& loop, Worker& worker, ApiClient& client, Target target, Callbacks callbacks,
          std::uint32_t seed);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void Start();

 private:
  void Handle(WatchSession::Event event);
  void Perform(const std::vector<WatchSession::Action>& actions);
  void Do(const WatchSession::List& action);
  void Do(const WatchSession::Watch& action);
  void Do(const WatchSession::CloseStream& action);
  void Do(const WatchSession::Upsert& action);
  void Do(const WatchSession::Remove& action);
  void Do(const WatchSession::Synced& action);

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  const Target target_;
  const Callbacks callbacks_;
  WatchSession session_;
  Timer deadline_;
  absl::Status problem_;
  std::unique_ptr<ApiClient::Stream> stream_;
  std::uint64_t stream_number_ = 0;  // what is still on its way from an earlier one is not ours
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // loop thread only
};

}  // namespace nodedevice
