#include "devicemanager/conformance/changes.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"

namespace nodedevice::devicemanager::conformance {
namespace {

TEST(ChangesTest, AFactEndsTheWait) {
  Changes changes;
  std::atomic<bool> fact = false;
  std::thread other([&] {
    fact = true;
    changes.Notify();
  });
  EXPECT_TRUE(changes.WaitFor([&] { return fact.load(); }, std::chrono::minutes(1)));
  other.join();
}

TEST(ChangesTest, AFactThatNobodyTellsOfIsSeenAllTheSame) {
  Changes changes;
  int looks = 0;
  EXPECT_TRUE(changes.WaitFor([&] { return ++looks == 3; }, std::chrono::minutes(1)));
}

TEST(ChangesTest, TheLimitEndsTheWait) {
  Changes changes;
  EXPECT_FALSE(changes.WaitFor([] { return false; }, std::chrono::milliseconds(1)));
  EXPECT_TRUE(changes.WaitFor([] { return true; }, Duration::zero()));
}

TEST(ChangesTest, AnInterruptionEndsEveryWait) {
  Changes changes;
  std::thread other([&] { changes.Interrupt(); });
  EXPECT_FALSE(changes.WaitFor([] { return false; }, std::chrono::minutes(1)));
  other.join();
  EXPECT_TRUE(changes.interrupted());
  EXPECT_FALSE(changes.WaitFor([] { return true; }, std::chrono::minutes(1)));
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
