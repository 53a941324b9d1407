#include "plugin/rpc_queue.h"

#include <cstdint>
#include <utility>

namespace nodedevice {

// What a tag points to: an operation of ours, freed when it is over, or a watcher of somebody's.
// Both are told apart by the lowest bit of the pointer, which alignment leaves free.
struct RpcQueue::Operation {
  std::function<void(bool)> then;
};

namespace {

constexpr std::uintptr_t kWatcherBit = 1;

}  // namespace

RpcQueue::RpcQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : queue_(std::move(queue)), thread_([this] { Run(); }) {}

RpcQueue::~RpcQueue() { Close(); }

void* RpcQueue::Tag(std::function<void(bool)> then) {
  Expect();
  return new Operation{std::move(then)};
}

void* RpcQueue::TagOf(Watcher& watcher) {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&watcher) | kWatcherBit);
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
    const auto bits = reinterpret_cast<std::uintptr_t>(tag);
    if ((bits & kWatcherBit) != 0) {
      // The call that owns the watcher may end in `then`.
      const auto then = std::move(reinterpret_cast<Watcher*>(bits & ~kWatcherBit)->then_);
      then();
    } else {
      const std::unique_ptr<Operation> operation(static_cast<Operation*>(tag));
      operation->then(ok);
    }
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
