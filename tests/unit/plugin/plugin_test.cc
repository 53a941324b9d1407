#include "plugin/plugin.h"

#include <atomic>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

// Hears of a change in the middle of each of its first scans, right after they have begun.
class RestlessSource : public DiscoverySource {
 public:
  RestlessSource(std::atomic<int>& scans, int restless, absl::Status failure)
      : scans_(scans), restless_(restless), failure_(std::move(failure)) {}

  absl::StatusOr<Inventory> Scan() override {
    if (++scans_ <= restless_) news_();
    if (!failure_.ok()) return failure_;
    return Inventory();
  }
  void OnNews(const std::function<void()>& on_news) override { news_ = on_news; }

 private:
  std::atomic<int>& scans_;
  const int restless_;
  const absl::Status failure_;
  std::function<void()> news_;
};

class PluginTest : public ::testing::Test {
 protected:
  // Whether the source is asked once more for each of its news.
  bool IsAskedAfterAllNews(int news, const absl::Status& failure) {
    std::atomic<int> scans = 0;
    EventLoop loop;
    Worker worker;
    const HostRoot host(dir_.path());
    PluginSpec spec;
    spec.name = "restless";
    spec.health.interval = std::chrono::hours(1);
    Plugin plugin({.loop = loop,
                   .worker = worker,
                   .host = host,
                   .paths = KubeletPaths(dir_.path() / "kubelet"),
                   .on_change = [] {},
                   .on_stopped = [] {}},
                  std::move(spec), std::make_unique<RestlessSource>(scans, news, failure));
    plugin.Start();
    return RunUntil(loop, [&] { return scans == news + 1; });
  }

  TempDir dir_;
};

TEST_F(PluginTest, NewsInTheMiddleOfAScanLeadToAnother) {
  EXPECT_TRUE(IsAskedAfterAllNews(20, absl::OkStatus()));
}

TEST_F(PluginTest, NewsInTheMiddleOfAScanThatFailsLeadToAnother) {
  EXPECT_TRUE(IsAskedAfterAllNews(20, absl::InternalError("no bus")));
}

}  // namespace
}  // namespace nodedevice::testing
