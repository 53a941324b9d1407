#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "grpcpp/completion_queue.h"

namespace nodedevice {

// A server's completion queue with the one thread that serves it.
//
// gRPC 1.51's own callback threads sleep for 100 ms once a second, whoever calls meanwhile: an idle
// plugin would wake the node and an Allocate could wait. This thread sleeps until something
// happens.
class RpcQueue {
 public:
  explicit RpcQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue);
  ~RpcQueue();  // Close()

  grpc::ServerCompletionQueue* get() const { return queue_.get(); }

  // The tag for one operation that is started on the queue right away; `then` runs on the queue's
  // thread with whether it succeeded. Any thread, not after Close().
  void* Tag(std::function<void(bool ok)> then);

  // What a tag points to.
  class Completion {
   public:
    virtual ~Completion() = default;
    virtual void Run(bool ok) = 0;
  };

  // A tag that gRPC may never give back, because it belongs to a call that may never begin: its
  // owner keeps it. Close() waits for it from Expect() on.
  class Watcher : public Completion {
   public:
    explicit Watcher(std::function<void()> then) : then_(std::move(then)) {}
    void* tag() { return static_cast<Completion*>(this); }
    void Run(bool ok) override;

   private:
    std::function<void()> then_;
  };
  void Expect();

  // Waits until every operation is over, then ends the queue and its thread. REQUIRES: the server
  // was shut down, so that all operations end.
  void Close();

 private:
  void Run();
  void Finished();

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::mutex mutex_;
  std::condition_variable idle_;
  int outstanding_ = 0;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace nodedevice
