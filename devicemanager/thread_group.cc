#include "devicemanager/thread_group.h"

#include <utility>

namespace nodedevice::devicemanager {

ThreadGroup::~ThreadGroup() { Join(); }

void ThreadGroup::Run(std::function<void()> job) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto member = members_.begin(); member != members_.end();) {
    if (member->ended) {
      member->thread.join();
      member = members_.erase(member);
    } else {
      ++member;
    }
  }
  Member& member = members_.emplace_back();
  member.thread = std::thread([this, &member, work = std::move(job)]() mutable {
    work();
    work = nullptr;  // what it holds is gone before the thread counts as ended
    const std::lock_guard<std::mutex> ending(mutex_);
    member.ended = true;
  });
}

void ThreadGroup::Join() {
  std::list<Member> leaving;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    leaving.splice(leaving.end(), members_);  // keeps the members' addresses
  }
  for (Member& member : leaving) member.thread.join();
}

}  // namespace nodedevice::devicemanager
