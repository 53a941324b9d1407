#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace nodedevice::devicemanager {

// Threads that end by themselves. Those that have ended are joined when the next one starts.
// Thread-safe. Destruction waits for all; the owner has told them to end before.
class ThreadGroup {
 public:
  ThreadGroup() = default;
  ~ThreadGroup();
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;

  void Run(std::function<void()> job);

  // Waits until every job has ended. Not to be called from a job.
  void Join();

 private:
  struct Member {
    std::thread thread;
    bool ended = false;  // guarded by mutex_
  };

  std::mutex mutex_;
  std::list<Member> members_;  // guarded by mutex_; a member's address is its thread's identity
};

}  // namespace nodedevice::devicemanager
