#pragma once

// The event loop of a program: one thread runs it and owns all state; everything it is told of
// arrives as a callback on that thread. A thin cover over Boost.Asio, so that the headers of the
// programs do not compile it again and again.

#include <functional>
#include <initializer_list>
#include <memory>

#include "lib/base/clock.h"
#include "lib/base/status.h"

namespace nodedevice {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs callbacks on the calling thread until Stop().
  void Run();

  // Makes Run() return after the callback that is running. Any thread. Run() forgets a Stop() that
  // came before it: to stop a loop that may not run yet, Post() the Stop().
  void Stop();

  // Runs `callback` on the loop's thread, soon and in order. Any thread, also before Run().
  void Post(std::function<void()> callback);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// Calls back once at a time that can be moved. Loop thread only; the loop must outlive it. Nothing
// is called after destruction.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces the time that was set before.
  void At(TimePoint when);
  void After(Duration delay) { At(Clock::now() + delay); }
  void Cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Calls back whenever a descriptor can be read (or has hung up) until destroyed. The descriptor is
// borrowed and must stay open as long. Loop thread only. The callback may destroy the watch.
class ReadWatch {
 public:
  ReadWatch(EventLoop& loop, int fd, std::function<void()> callback);
  ~ReadWatch();
  ReadWatch(const ReadWatch&) = delete;
  ReadWatch& operator=(const ReadWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Blocks these signals for the calling thread and every thread it starts later. To be called on
// main's first line, before any thread exists; SignalWatch then receives them.
void BlockSignals(std::initializer_list<int> signals);

// Calls back on the loop thread with the number of each blocked signal that arrives.
class SignalWatch {
 public:
  // REQUIRES: BlockSignals(signals) before.
  SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
              std::function<void(int)> callback);
  ~SignalWatch();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodedevice
