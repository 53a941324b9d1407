#include "lib/base/worker.h"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace nodedevice {
namespace {

TEST(WorkerTest, RunsJobsInOrderOnOneThreadThatIsNotTheCallers) {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  std::promise<void> done;
  Worker worker;
  for (int i = 0; i < 100; ++i) {
    worker.Do([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    });
  }
  worker.Do([&] { done.set_value(); });
  done.get_future().wait();
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(threads[static_cast<std::size_t>(i)], threads[0]);
  }
  EXPECT_NE(threads[0], std::this_thread::get_id());
}

TEST(WorkerTest, TakesJobsFromManyThreads) {
  int count = 0;  // only the worker touches it
  std::promise<void> done;
  Worker worker;
  std::vector<std::thread> givers;
  for (int i = 0; i < 4; ++i) {
    givers.emplace_back([&] {
      for (int j = 0; j < 250; ++j) worker.Do([&count] { ++count; });
    });
  }
  for (std::thread& giver : givers) giver.join();
  worker.Do([&] { done.set_value(); });
  done.get_future().wait();
  EXPECT_EQ(count, 1000);
}

TEST(WorkerTest, AJobMayGiveAnother) {
  std::promise<void> done;
  Worker worker;
  worker.Do([&] { worker.Do([&] { done.set_value(); }); });
  done.get_future().wait();
}

TEST(WorkerTest, DestructionFinishesTheJobThatRuns) {
  std::promise<void> started;
  std::promise<void> release;
  bool finished = false;
  auto worker = std::make_unique<Worker>();
  worker->Do([&] {
    started.set_value();
    release.get_future().wait();
    finished = true;
  });
  started.get_future().wait();
  std::thread destroyer([&] { worker.reset(); });
  release.set_value();
  destroyer.join();
  EXPECT_TRUE(finished);
}

TEST(WorkerTest, DestructionDropsTheJobsThatWait) {
  // A job that always gives itself again: something waits at every moment, and destruction would
  // never end if it ran what waits.
  std::promise<void> started;
  std::function<void()> again;
  const auto held = std::make_shared<int>(0);
  {
    Worker worker;
    again = [&worker, &again, held] { worker.Do(again); };
    worker.Do([&started] { started.set_value(); });
    worker.Do(again);
    started.get_future().wait();
  }
  again = nullptr;
  EXPECT_EQ(held.use_count(), 1) << "what the dropped job held must be freed";
}

}  // namespace
}  // namespace nodedevice
