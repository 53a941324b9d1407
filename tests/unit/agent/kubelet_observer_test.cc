#include "agent/kubelet_observer.h"

#include <signal.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/file.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/agent/log_capture.h"

namespace nodedevice::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A shell script in the place of node-device-plugin.
class KubeletObserverTest : public ::testing::Test {
 protected:
  void Script(const std::string& body) {
    const auto path =
        dir_.Write("draft", "#!/bin/sh\ncd " + dir_.path().string() + "\n" + body + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    std::filesystem::rename(path, dir_.path() / "plugin");
  }
  bool Until(const std::function<bool()>& condition) {
    return RunUntil(loop_, [&] {
      processes_.Reap();
      return condition();
    });
  }
  static std::string Line() {
    return ToLine(KubeletReport{.resources = {{"a/b", {.accepted = 3}}}});
  }

  TempDir dir_;
  EventLoop loop_;
  std::vector<KubeletReport> reports_;
  int stopped_ = 0;
  ChildProcesses processes_{loop_};
  KubeletObserver observer_{
      loop_,
      processes_,
      {.plugin_binary = dir_.path() / "plugin", .kubelet_dir = "/kubelet", .log_level = "warn"},
      {.on_report = [this](const KubeletReport& report) { reports_.push_back(report); },
       .on_stopped = [this] { ++stopped_; }}};
};

TEST_F(KubeletObserverTest, IsStartedWithItsTaskAndHandsOverWhatItSays) {
  Script("echo \"$@\" > arguments; echo '" + Line() + "' >&3; exec sleep 1000");
  observer_.Want(true);
  EXPECT_TRUE(observer_.running());
  ASSERT_TRUE(Until([this] { return !reports_.empty(); }));
  EXPECT_EQ(reports_[0].resources.at("a/b").accepted, 3u);
  EXPECT_EQ(ReadAttribute(dir_.path() / "arguments").value_or(""),
            "--observe --kubelet-dir /kubelet --log-format json --log-level warn");
}

TEST_F(KubeletObserverTest, IsStartedAgainWhenItEndsAndSaysThatNothingIsKnownMeanwhile) {
  Script("echo x >> starts; echo '" + Line() +
         "' >&3; [ -e again ] || { touch again; exit 3; }; exec sleep 1000");
  observer_.Want(true);
  ASSERT_TRUE(Until([this] { return reports_.size() >= 3; }));
  EXPECT_EQ(reports_[0].error, "");
  EXPECT_EQ(reports_[1].error, "the process that asks the kubelet exited with 3");
  EXPECT_EQ(reports_[2].error, "");
  EXPECT_TRUE(observer_.running());
  EXPECT_EQ(stopped_, 0);
}

TEST_F(KubeletObserverTest, AProgramThatIsMissingIsTriedAgain) {
  observer_.Want(true);
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_THAT(reports_[0].error, EndsWith("No such file or directory"));
  Script("echo '" + Line() + "' >&3; exec sleep 1000");
  ASSERT_TRUE(Until([this] { return reports_.size() >= 2; }));
  EXPECT_EQ(reports_.back().error, "");
}

TEST_F(KubeletObserverTest, EndsWhenItIsNotWantedAnyMore) {
  Script("trap 'touch told; exit 0' TERM; echo '" + Line() + "' >&3; while :; do sleep 0.01; done");
  observer_.Want(true);
  ASSERT_TRUE(Until([this] { return !reports_.empty(); }));
  observer_.Want(false);
  ASSERT_TRUE(Until([this] { return stopped_ == 1; }));
  EXPECT_TRUE(std::filesystem::exists(dir_.path() / "told"));
  EXPECT_FALSE(observer_.running());
  EXPECT_EQ(reports_.size(), 1u) << "an end that was asked for is no news";
}

TEST_F(KubeletObserverTest, OneThatDoesNotListenCanBeKilled) {
  Script("trap '' TERM; echo '" + Line() + "' >&3; while :; do sleep 0.01; done");
  observer_.Want(true);
  ASSERT_TRUE(Until([this] { return !reports_.empty(); }));
  observer_.Want(false);
  observer_.Kill();
  EXPECT_TRUE(Until([this] { return stopped_ == 1; }));
}

TEST_F(KubeletObserverTest, IsStartedAnewWhenItIsWantedAgainBeforeItHasEnded) {
  Script("trap 'exit 0' TERM; echo '" + Line() + "' >&3; while :; do sleep 0.01; done");
  observer_.Want(true);
  ASSERT_TRUE(Until([this] { return !reports_.empty(); }));
  observer_.Want(false);
  observer_.Want(true);
  ASSERT_TRUE(Until([this] { return reports_.size() == 2; }));
  EXPECT_EQ(reports_[1].error, "");
  EXPECT_EQ(stopped_, 0);
}

TEST_F(KubeletObserverTest, ALineThatCannotBeReadIsSaidAndIgnored) {
  const LogCapture log;
  Script("echo '{}' >&3; exec sleep 1000");
  observer_.Want(true);
  ASSERT_TRUE(Until([&log] { return log.text().find("unreadable") != std::string::npos; }));
  EXPECT_THAT(log.text(), HasSubstr("[kubelet observer] a report is unreadable and ignored: "));
  EXPECT_THAT(reports_, IsEmpty());
  EXPECT_TRUE(observer_.running());
}

}  // namespace
}  // namespace nodedevice::testing
