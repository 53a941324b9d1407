#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <set>

#include "devicemanager/thread_group.h"
#include "lib/base/event_loop.h"
#include "lib/base/status.h"
#include "lib/base/unique_fd.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager {

using ControlJson = nlohmann::ordered_json;

// Answers one request. Called by one thread for each connection; may block.
using ControlHandler = std::function<absl::StatusOr<ControlJson>(const ControlJson&)>;

// The serving side of the control socket: one line of JSON in, one line of JSON out,
// {"result": ...} or {"error": "..."}, and the connection is closed. Only this user can connect.
// Constructed and destroyed on the loop thread.
class ControlServer {
 public:
  static absl::StatusOr<std::unique_ptr<ControlServer>> Start(EventLoop& loop,
                                                              const std::filesystem::path& path,
                                                              ControlHandler handler);

  // Removes the socket and cuts every connection, then waits for the handlers to return.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  ControlServer(EventLoop& loop, std::filesystem::path path, UniqueFd socket,
                ControlHandler handler);
  void Accept();
  void Serve(int fd);

  const std::filesystem::path path_;
  const ControlHandler handler_;
  UniqueFd socket_;
  std::mutex mutex_;
  std::set<int> connections_;  // guarded by mutex_; open as long as they stand here
  ThreadGroup threads_;
  std::unique_ptr<ReadWatch> waiting_;
};

// The asking side. Blocks until the answer is there. An error is the server's, or says that nobody
// serves there.
absl::StatusOr<ControlJson> ControlCall(const std::filesystem::path& path,
                                        const ControlJson& request);

}  // namespace nodedevice::devicemanager
