#include "tests/bench/report.h"

#include <chrono>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

Samples Constant(Duration duration) {
  Samples samples;
  samples.Add(duration);
  return samples;
}

// A plugin that meets every goal.
Figures GoodFigures() {
  constexpr ProcessUse kUse{
      .private_kib = 4000, .resident_kib = 9000, .threads = 5, .cpu = milliseconds(3)};
  return Figures{.start_to_register = Constant(milliseconds(20)),
                 .start_to_list = Constant(milliseconds(30)),
                 .empty_call = Constant(microseconds(100)),
                 .allocate = Constant(microseconds(110)),
                 .callers = 8,
                 .allocates_per_second = 20'000,
                 .allocate_after_rest = Constant(microseconds(500)),
                 .device_gone = Constant(milliseconds(2)),
                 .device_back = Constant(milliseconds(3)),
                 .kubelet_back_streams_closed = Constant(milliseconds(40)),
                 .kubelet_back_streams_open = Constant(milliseconds(50)),
                 .exit = Constant(milliseconds(60)),
                 .after_start = kUse,
                 .after_work = kUse,
                 .idle = std::chrono::seconds(10),
                 .idle_cpu = milliseconds(1)};
}

const Row& Find(const Report& report, const std::string& what) {
  for (const Row& row : report.rows) {
    if (row.what == what) return row;
  }
  throw std::out_of_range("no row " + what);
}

TEST(Report, NothingIsMissedWhenEveryFigureIsWithinItsGoal) {
  const Report report = MakeReport(10, GoodFigures(), std::nullopt);
  EXPECT_FALSE(report.missed());
  EXPECT_THAT(ToText(report), Not(HasSubstr("MISSED")));
}

TEST(Report, OursIsGivenAsAShareOfThePeers) {
  Figures peer = GoodFigures();
  peer.device_gone = Constant(milliseconds(8));
  EXPECT_THAT(ToText(MakeReport(10, GoodFigures(), peer)),
              ContainsRegex("device gone to list, p50 +2.00 ms +20.00 ms +ok +8.00 ms +0.25\n"));
}

TEST(Report, AFigureEqualToItsGoalMeetsIt) {
  Figures figures = GoodFigures();
  figures.device_gone = Constant(milliseconds(20));
  EXPECT_FALSE(MakeReport(10, figures, std::nullopt).missed());
}

TEST(Report, OneSlowSampleIsMissedInTheMaximumOnly) {
  Figures figures = GoodFigures();
  figures.device_gone.Add(milliseconds(2));
  figures.device_gone.Add(milliseconds(21));
  const Report report = MakeReport(10, figures, std::nullopt);
  EXPECT_TRUE(report.missed());
  EXPECT_FALSE(Find(report, "device gone to list, p50").missed());
  EXPECT_TRUE(Find(report, "device gone to list, max").missed());
  EXPECT_THAT(ToText(report), HasSubstr("MISSED"));
}

TEST(Report, AllocateIsJudgedByTheEmptyCallOnTheSameServer) {
  Figures figures = GoodFigures();
  EXPECT_DOUBLE_EQ(Find(MakeReport(10, figures, std::nullopt), "Allocate / empty call, p50").value,
                   1.1);
  figures.empty_call = Constant(microseconds(90));
  EXPECT_TRUE(Find(MakeReport(10, figures, std::nullopt), "Allocate / empty call, p50").missed());
}

TEST(Report, MoreDevicesMayTakeMoreMemory) {
  Figures figures = GoodFigures();
  figures.after_work.private_kib = 6000;
  const std::string row = "private memory (RssAnon), after work";
  EXPECT_TRUE(Find(MakeReport(10, figures, std::nullopt), row).missed());
  EXPECT_FALSE(Find(MakeReport(5000, figures, std::nullopt), row).missed());
}

TEST(Report, MegabytesAreMillionsOfBytes) {
  Figures figures = GoodFigures();
  figures.after_start.private_kib = 1'000'000 / 1024;
  const Report report = MakeReport(10, figures, std::nullopt);
  EXPECT_NEAR(Find(report, "private memory (RssAnon), after start").value, 1.0, 0.001);
}

TEST(Report, APeerAddsItsColumnAndTheGoalsThatAreSharesOfIts) {
  const Figures ours = GoodFigures();
  Figures peer = GoodFigures();
  peer.allocate = Constant(microseconds(220));
  peer.after_start.private_kib = 8000;
  const Report report = MakeReport(10, ours, peer);
  EXPECT_EQ(Find(report, "Allocate, p50").peer, 220);
  EXPECT_EQ(ToJson(report)["rows"][0]["ratio"], 1.0);
  EXPECT_DOUBLE_EQ(Find(report, "Allocate, p50 / peer's").value, 0.5);
  EXPECT_FALSE(Find(report, "Allocate, p50 / peer's").missed());
  EXPECT_DOUBLE_EQ(Find(report, "private memory, after start / peer's").value, 0.5);
  EXPECT_TRUE(Find(report, "private memory, after start / peer's").missed());
}

TEST(Report, ManyResourcesAreJudgedByTheLastOfThem) {
  ResourcesFigures figures{.resources = 32,
                           .start_to_lists = Constant(milliseconds(300)),
                           .kubelet_back_registered = Constant(milliseconds(500)),
                           .kubelet_back_listed = Constant(milliseconds(700)),
                           .exit = Constant(milliseconds(60)),
                           .after_work = {.private_kib = 9000},
                           .idle = std::chrono::seconds(10),
                           .idle_cpu = milliseconds(1)};
  EXPECT_FALSE(MakeReport(figures).missed());
  EXPECT_THAT(ToText(MakeReport(figures)), HasSubstr("an agent with 32 resources\n"));
  figures.kubelet_back_registered.Add(milliseconds(501));
  const Report report = MakeReport(figures);
  EXPECT_TRUE(report.missed());
  EXPECT_FALSE(Find(report, "kubelet.sock back to the last Register, p50").missed());
  EXPECT_TRUE(Find(report, "kubelet.sock back to the last Register, max").missed());
}

TEST(Report, JsonSaysTheSameAsTheTable) {
  Figures figures = GoodFigures();
  figures.exit = Constant(milliseconds(1500));
  const Report report = MakeReport(10, figures, std::nullopt);
  const nlohmann::json json = ToJson(report);
  EXPECT_EQ(json["title"], "10 devices");
  ASSERT_EQ(json["rows"].size(), report.rows.size());
  const nlohmann::json& last = json["rows"].back();
  const nlohmann::json expected = {{"what", "SIGTERM to exit, max"},
                                   {"unit", "ms"},
                                   {"value", 1500.0},
                                   {"goal", 1000.0},
                                   {"met", false}};
  EXPECT_EQ(last, expected);
}

}  // namespace
}  // namespace nodedevice::bench
