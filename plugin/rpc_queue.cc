#include "plugin/rpc_queue.h"

#include <memory>
#include <utility>

namespace nodedevice {

namespace {

// One operation of ours; it frees itself when it is over.
class Operation : public RpcQueue::Completion {
 public:
  explicit Operation(std::function<void(bool)> then) : then_(std::move(then)) {}
  void Run(bool ok) override {
    const std::unique_ptr<Operation> self(this);
    then_(ok);
  }

 private:
  std::function<void(bool)> then_;
};

}  // namespace

void RpcQueue::Watcher::Run(bool) {
  const auto then = std::move(then_);  // the owner may go away in it
  then();
}

RpcQueue::RpcQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : queue_(std::move(queue)), thread_([this] { Run(); }) {}

RpcQueue::~RpcQueue() { Close(); }

void* RpcQueue::Tag(std::function<void(bool)> then) {
  Expect();
  // Freed by its own Run(), which gRPC owes us.
  return static_cast<Completion*>(new Operation(std::move(then)));
}

void RpcQueue::Expect() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++outstanding_;
}

void RpcQueue::Finished() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--outstanding_ == 0) idle_.notify_all();
}

void RpcQueue::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
    static_cast<Completion*>(tag)->Run(ok);
    Finished();
  }
}

void RpcQueue::Close() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [this] { return outstanding_ == 0; });
  }
  queue_->Shutdown();
  thread_.join();
}

}  // namespace nodedevice
