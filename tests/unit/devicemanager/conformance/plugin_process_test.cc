#include "devicemanager/conformance/plugin_process.h"

#include <signal.h>

#include "gtest/gtest.h"
#include "lib/base/file.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::devicemanager::conformance {
namespace {

class PluginProcessTest : public ::testing::Test {
 protected:
  std::unique_ptr<PluginProcess> Start(const std::string& script) {
    auto process = PluginProcess::Start(
        {.arguments = {"/bin/sh", "-c", script}, .environment = {{"WORD", "hello"}}}, log_,
        changes_);
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? *std::move(process) : nullptr;
  }
  std::string Log() const { return ReadFile(log_, 1u << 20).value_or(""); }

  testing::TempDir dir_;
  const std::filesystem::path log_ = dir_.path() / "log";
  Changes changes_;
};

TEST_F(PluginProcessTest, ItsEndIsToldAndItsOutputKept) {
  const auto process = Start("echo $WORD; echo problem >&2; exit 3");
  ASSERT_NE(process, nullptr);
  ASSERT_TRUE(
      changes_.WaitFor([&] { return process->exit().has_value(); }, std::chrono::minutes(1)));
  EXPECT_EQ(ToString(*process->exit()), "exited with 3");
  EXPECT_TRUE(testing::WaitFor([&] { return Log() == "hello\nproblem\n"; })) << Log();
  EXPECT_EQ(process->Measure(), Usage());
}

TEST_F(PluginProcessTest, TheWholeGroupIsMeasuredAndKilled) {
  auto process = Start("sleep 1000 & sleep 1000 & wait");
  ASSERT_NE(process, nullptr);
  ASSERT_TRUE(testing::WaitFor([&] { return process->Running().size() == 3; }));
  const std::vector<pid_t> running = process->Running();
  const Usage usage = process->Measure();
  EXPECT_GE(usage.descriptors, 9);
  EXPECT_EQ(usage.threads, 3);
  EXPECT_GT(usage.private_kib, 0);
  process.reset();
  for (const pid_t pid : running) {
    EXPECT_TRUE(testing::WaitFor([&] { return testing::HasEnded(pid); })) << pid;
  }
}

TEST_F(PluginProcessTest, WhatItLeftBehindIsKilledAsWell) {
  auto process = Start("sleep 1000 & exit 0");
  ASSERT_NE(process, nullptr);
  ASSERT_TRUE(
      changes_.WaitFor([&] { return process->exit().has_value(); }, std::chrono::minutes(1)));
  const std::vector<pid_t> left = process->Running();
  ASSERT_EQ(left.size(), 1u);
  process.reset();
  EXPECT_TRUE(testing::WaitFor([&] { return testing::HasEnded(left[0]); }));
}

TEST_F(PluginProcessTest, AProgramThatIsNotThereIsAnError) {
  const auto process =
      PluginProcess::Start({.arguments = {"/nonexistent"}, .environment = {}}, log_, changes_);
  EXPECT_EQ(process.status().message(), "cannot start /nonexistent: No such file or directory");
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
