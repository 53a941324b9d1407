#include "lib/base/event_loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/unique_fd.h"
#include "tests/support/run_until.h"

namespace nodedevice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::RunUntil;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends = {};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
  void Write(const std::string& text) const {
    ASSERT_EQ(::write(write.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string Read() const {
    char buffer[64];
    const ssize_t n = ::read(read.get(), buffer, sizeof(buffer));
    return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : "";
  }
  UniqueFd read;
  UniqueFd write;
};

TEST(EventLoopTest, RunsPostedCallbacksInOrderAlsoThoseGivenBeforeRun) {
  EventLoop loop;
  std::vector<int> order;
  loop.Post([&] { order.push_back(1); });
  loop.Post([&] {
    order.push_back(2);
    loop.Post([&] {
      order.push_back(3);
      loop.Stop();
    });
  });
  loop.Run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(EventLoopTest, StopReturnsAfterTheCallbackThatRunsAndRunMayBeCalledAgain) {
  EventLoop loop;
  std::vector<int> order;
  loop.Post([&] {
    loop.Stop();
    order.push_back(1);
  });
  loop.Post([&] {
    order.push_back(2);
    loop.Stop();
  });
  loop.Run();
  EXPECT_EQ(order, std::vector<int>{1});
  loop.Run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(EventLoopTest, CallbacksOfOtherThreadsRunOnTheLoopsThread) {
  EventLoop loop;
  int count = 0;
  std::optional<std::thread::id> ran_on;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        loop.Post([&] {
          ++count;
          ran_on = std::this_thread::get_id();
        });
      }
    });
  }
  EXPECT_TRUE(RunUntil(loop, [&] { return count == 400; }));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(TimerTest, FiresOnceAndNotBeforeItsTime) {
  EventLoop loop;
  int fired = 0;
  TimePoint at;
  const TimePoint when = Clock::now() + milliseconds(5);
  Timer timer(loop, [&] {
    ++fired;
    at = Clock::now();
  });
  timer.At(when);
  int later = 0;
  Timer witness(loop, [&] { ++later; });
  witness.At(when + milliseconds(5));
  ASSERT_TRUE(RunUntil(loop, [&] { return later > 0; }));
  EXPECT_EQ(fired, 1);
  EXPECT_GE(at, when);
}

TEST(TimerTest, ATimeThatHasPassedFiresAtOnce) {
  EventLoop loop;
  bool fired = false;
  Timer timer(loop, [&] { fired = true; });
  timer.At(Clock::now() - hours(1));
  EXPECT_TRUE(RunUntil(loop, [&] { return fired; }));
}

TEST(TimerTest, ANewTimeReplacesTheOldOne) {
  EventLoop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.After(milliseconds(0));
  timer.After(hours(1));
  bool witnessed = false;
  Timer witness(loop, [&] { witnessed = true; });
  witness.After(milliseconds(5));
  ASSERT_TRUE(RunUntil(loop, [&] { return witnessed; }));
  EXPECT_EQ(fired, 0);
  timer.After(milliseconds(0));
  ASSERT_TRUE(RunUntil(loop, [&] { return fired == 1; }));
}

TEST(TimerTest, NeitherACancelledNorADestroyedTimerFires) {
  EventLoop loop;
  int fired = 0;
  Timer cancelled(loop, [&] { ++fired; });
  cancelled.After(milliseconds(0));
  auto destroyed = std::make_unique<Timer>(loop, [&] { ++fired; });
  destroyed->After(milliseconds(0));
  bool witnessed = false;
  Timer witness(loop, [&] { witnessed = true; });
  witness.After(milliseconds(5));
  cancelled.Cancel();
  destroyed.reset();
  ASSERT_TRUE(RunUntil(loop, [&] { return witnessed; }));
  EXPECT_EQ(fired, 0);
}

TEST(TimerTest, ATimerThatIsDueIsStillCancelledInTime) {
  EventLoop loop;
  int fired = 0;
  std::unique_ptr<Timer> second;
  Timer first(loop, [&] { second.reset(); });
  second = std::make_unique<Timer>(loop, [&] { ++fired; });
  const TimePoint past = Clock::now() - hours(1);
  first.At(past);
  second->At(past + milliseconds(1));  // both have expired when the loop starts
  ASSERT_TRUE(RunUntil(loop, [&] { return second == nullptr; }));
  EXPECT_EQ(fired, 0);
}

TEST(TimerTest, TheCallbackMaySetOrDestroyItsTimer) {
  EventLoop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++fired < 3) {
      timer->After(milliseconds(0));
    } else {
      timer.reset();
    }
  });
  timer->After(milliseconds(0));
  ASSERT_TRUE(RunUntil(loop, [&] { return timer == nullptr; }));
  EXPECT_EQ(fired, 3);
}

TEST(ReadWatchTest, CallsBackForEachArrivalAndForTheHangUp) {
  EventLoop loop;
  Pipe pipe;
  std::string seen;
  bool ended = false;
  std::unique_ptr<ReadWatch> watch;
  watch = std::make_unique<ReadWatch>(loop, pipe.read.get(), [&] {
    const std::string text = pipe.Read();
    seen += text;
    if (text.empty()) {
      ended = true;
      watch.reset();
    }
  });
  pipe.Write("one ");
  ASSERT_TRUE(RunUntil(loop, [&] { return seen == "one "; }));
  pipe.Write("two");
  ASSERT_TRUE(RunUntil(loop, [&] { return seen == "one two"; }));
  pipe.write.Reset();
  ASSERT_TRUE(RunUntil(loop, [&] { return ended; }));
}

TEST(ReadWatchTest, WhatWasNotReadIsSaidAgain) {
  EventLoop loop;
  Pipe pipe;
  pipe.Write("x");
  int calls = 0;
  const ReadWatch watch(loop, pipe.read.get(), [&] { ++calls; });
  EXPECT_TRUE(RunUntil(loop, [&] { return calls >= 3; }));
}

TEST(ReadWatchTest, IsSilentOnceDestroyedAndLeavesTheDescriptorOpen) {
  EventLoop loop;
  Pipe pipe;
  int calls = 0;
  auto watch = std::make_unique<ReadWatch>(loop, pipe.read.get(), [&] { ++calls; });
  pipe.Write("x");
  watch.reset();
  bool witnessed = false;
  Timer witness(loop, [&] { witnessed = true; });
  witness.After(milliseconds(5));
  ASSERT_TRUE(RunUntil(loop, [&] { return witnessed; }));
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(pipe.Read(), "x");
}

TEST(ReadWatchTest, ADescriptorCanBeWatchedAgain) {
  EventLoop loop;
  Pipe pipe;
  ReadWatch(loop, pipe.read.get(), [] {});
  bool called = false;
  const ReadWatch watch(loop, pipe.read.get(), [&] {
    pipe.Read();
    called = true;
  });
  pipe.Write("x");
  EXPECT_TRUE(RunUntil(loop, [&] { return called; }));
}

TEST(SignalWatchTest, TellsWhichSignalCame) {
  BlockSignals({SIGUSR1, SIGUSR2});
  EventLoop loop;
  std::vector<int> seen;
  const SignalWatch watch(loop, {SIGUSR1, SIGUSR2}, [&](int signal) { seen.push_back(signal); });
  ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR2), 0);
  ASSERT_TRUE(RunUntil(loop, [&] { return seen.size() == 1; }));
  ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR1), 0);
  ASSERT_TRUE(RunUntil(loop, [&] { return seen.size() == 2; }));
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR2, SIGUSR1}));
}

}  // namespace
}  // namespace nodedevice
