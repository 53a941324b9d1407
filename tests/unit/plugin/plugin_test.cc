#include "plugin/plugin.h"

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

DeviceFigures BytesOf(const std::string& id, std::uint64_t bytes) {
  DeviceFigures figures;
  figures.id = id;
  figures.memory_used_bytes = bytes;
  return figures;
}

// Has one device and figures of it and of another; is measured as often as it says.
class MeasuredSource : public DiscoverySource {
 public:
  MeasuredSource(std::optional<Duration> interval, std::atomic<std::uint64_t>& measured)
      : interval_(interval), measured_(measured) {}

  absl::StatusOr<Inventory> Scan() override {
    Inventory inventory;
    inventory.resources["example.com/gpu"]["a"];
    return inventory;
  }
  std::optional<Duration> FiguresInterval() const override { return interval_; }
  void Measure(const Measured& done) override {
    const std::uint64_t bytes = ++measured_;
    done({BytesOf("a", bytes), BytesOf("b", bytes)});
  }

 private:
  const std::optional<Duration> interval_;
  std::atomic<std::uint64_t>& measured_;
};

class FiguresTest : public ::testing::Test {
 protected:
  explicit FiguresTest(std::optional<Duration> interval = std::chrono::milliseconds(1)) {
    PluginSpec spec;
    spec.name = "gpu";
    spec.resource_name = "example.com/gpu";
    spec.health.interval = std::chrono::milliseconds(1);
    plugin_.emplace(Plugin::Parts{.loop = loop_,
                                  .worker = worker_,
                                  .host = host_,
                                  .paths = KubeletPaths(dir_.path() / "kubelet"),
                                  .on_change = [this] { ++changes_; },
                                  .on_stopped = [] {}},
                    std::move(spec), std::make_unique<MeasuredSource>(interval, measured_));
    plugin_->Start();
  }
  FiguresSample Sample() const {
    const std::vector<ResourceReport> reports = plugin_->Report();
    return reports.empty() ? FiguresSample() : reports[0].figures;
  }

  TempDir dir_;
  const HostRoot host_{dir_.path()};
  EventLoop loop_;
  std::atomic<std::uint64_t> measured_ = 0;
  int changes_ = 0;
  std::optional<Plugin> plugin_;
  Worker worker_;
};

TEST_F(FiguresTest, EachSampleIsReportedUnderItsNumberForTheDevicesThatAreAnnounced) {
  ASSERT_TRUE(RunUntil(loop_, [&] { return Sample().number >= 3; }));
  const FiguresSample sample = Sample();
  EXPECT_EQ(sample.valid, std::chrono::seconds(1));
  EXPECT_EQ(sample.devices, std::vector{BytesOf("a", sample.number)});
  EXPECT_GE(changes_, 3);
}

class NoFiguresTest : public FiguresTest {
 protected:
  NoFiguresTest() : FiguresTest(std::nullopt) {}
};

TEST_F(NoFiguresTest, AnEntryThatDoesNotAskForFiguresIsNotMeasured) {
  ASSERT_TRUE(RunUntil(loop_, [&] { return !plugin_->Report().empty(); }));
  EXPECT_EQ(measured_, 0u);
  EXPECT_EQ(Sample(), FiguresSample());
}

TEST_F(PluginTest, NewsInTheMiddleOfAScanLeadToAnother) {
  EXPECT_TRUE(IsAskedAfterAllNews(20, absl::OkStatus()));
}

TEST_F(PluginTest, NewsInTheMiddleOfAScanThatFailsLeadToAnother) {
  EXPECT_TRUE(IsAskedAfterAllNews(20, absl::InternalError("no bus")));
}

}  // namespace
}  // namespace nodedevice::testing
