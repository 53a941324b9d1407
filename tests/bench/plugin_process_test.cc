#include "tests/bench/plugin_process.h"

#include <chrono>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/file.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr char kStatus[] = "Name:\tx\nVmRSS:\t   20664 kB\nRssAnon:\t    5012 kB\nThreads:\t7\n";

TEST(ParseProcessUse, ReadsWhatTheKernelWritesOfAllThreads) {
  const absl::StatusOr<ProcessUse> use =
      ParseProcessUse(kStatus, {"2000000 150 7\n", "40000000 9 12\n"});
  ASSERT_TRUE(use.ok()) << use.status();
  EXPECT_EQ(use->private_kib, 5012);
  EXPECT_EQ(use->resident_kib, 20664);
  EXPECT_EQ(use->threads, 7);
  EXPECT_EQ(use->cpu, milliseconds(42));
}

TEST(ParseProcessUse, SaysWhichFieldIsMissing) {
  EXPECT_THAT(ParseProcessUse("VmRSS: 1 kB\nThreads: 1\n", {}).status().message(),
              HasSubstr("RssAnon"));
  EXPECT_THAT(ParseProcessUse(kStatus, {"2000000\n"}).status().message(), HasSubstr("schedstat"));
}

// Waits until the file holds `text`; a process says with it how far it is.
bool WaitForText(const std::filesystem::path& file, const std::string& text) {
  const TimePoint deadline = Clock::now() + seconds(30);
  while (Clock::now() < deadline) {
    const absl::StatusOr<std::string> content = ReadFile(file, 1 << 16);
    if (content.ok() && content->find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return false;
}

class PluginProcessTest : public ::testing::Test {
 protected:
  absl::StatusOr<PluginProcess> StartShell(const std::string& script) {
    return PluginProcess::Start({"/bin/sh", "-c", script}, log_);
  }

  const nodedevice::testing::TempDir dir_;
  const std::filesystem::path log_ = dir_.path() / "log";
};

TEST_F(PluginProcessTest, IsMeasuredWhileItRuns) {
  absl::StatusOr<PluginProcess> process = StartShell("echo up; exec sleep 600");
  ASSERT_TRUE(process.ok()) << process.status();
  ASSERT_TRUE(WaitForText(log_, "up"));
  const absl::StatusOr<ProcessUse> use = process->Use();
  ASSERT_TRUE(use.ok()) << use.status();
  EXPECT_EQ(use->threads, 1);
  EXPECT_GT(use->cpu, Duration::zero());
  EXPECT_GT(use->resident_kib, 0);
}

TEST_F(PluginProcessTest, WhatItStartedIsMeasuredWithIt) {
  // The shell holds the pipe open that its child's child reads, so both end with it.
  absl::StatusOr<PluginProcess> process =
      StartShell("cd " + dir_.path().native() +
                 "; mkfifo pipe; exec 9<>pipe 8<pipe; (exec 9>&-; cat <&8; exit) & wait");
  ASSERT_TRUE(process.ok()) << process.status();
  absl::StatusOr<ProcessUse> all;
  EXPECT_TRUE(nodedevice::testing::WaitFor([&] {
    all = process->UseOfAll();
    return all.ok() && all->threads == 3;
  }));
  const absl::StatusOr<ProcessUse> alone = process->Use();
  ASSERT_TRUE(alone.ok() && all.ok()) << alone.status() << all.status();
  EXPECT_EQ(alone->threads, 1);
  EXPECT_GT(all->resident_kib, alone->resident_kib);
}

TEST_F(PluginProcessTest, InheritsNothingButItsOutput) {
  absl::StatusOr<PluginProcess> process = StartShell(
      "for fd in 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$fd && echo open $fd; done;"
      "echo done; exec sleep 600");
  ASSERT_TRUE(process.ok()) << process.status();
  ASSERT_TRUE(WaitForText(log_, "done"));
  EXPECT_EQ(*ReadFile(log_, 1000), "done\n");
}

TEST_F(PluginProcessTest, TerminateSaysHowLongTheEndTook) {
  absl::StatusOr<PluginProcess> process =
      StartShell("trap 'sleep 0.2; exit' TERM; echo up; while :; do sleep 0.01; done");
  ASSERT_TRUE(process.ok()) << process.status();
  ASSERT_TRUE(WaitForText(log_, "up"));
  const absl::StatusOr<Duration> took = process->Terminate(seconds(30));
  ASSERT_TRUE(took.ok()) << took.status();
  EXPECT_GE(*took, milliseconds(200));
}

TEST_F(PluginProcessTest, IgnoringSigtermIsAnErrorAndTheProcessIsKilledLater) {
  absl::StatusOr<PluginProcess> process =
      StartShell("trap '' TERM; echo up; while :; do sleep 0.01; done");
  ASSERT_TRUE(process.ok()) << process.status();
  ASSERT_TRUE(WaitForText(log_, "up"));
  EXPECT_EQ(process->Terminate(milliseconds(50)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(PluginProcessTest, EndingUnaskedIsAnError) {
  absl::StatusOr<PluginProcess> process = StartShell("exit 3");
  ASSERT_TRUE(process.ok()) << process.status();
  const TimePoint deadline = Clock::now() + seconds(30);
  while (!process->ended() && Clock::now() < deadline) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(process->Terminate(seconds(30)).status().code(), absl::StatusCode::kAborted);
}

TEST_F(PluginProcessTest, AMissingProgramIsNamed) {
  const absl::StatusOr<PluginProcess> process = PluginProcess::Start({"/nowhere/plugin"}, log_);
  EXPECT_EQ(process.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(process.status().message(), HasSubstr("/nowhere/plugin"));
}

}  // namespace
}  // namespace nodedevice::bench
