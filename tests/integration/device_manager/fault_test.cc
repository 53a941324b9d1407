// Faults and the clock, set from outside while the real program runs.

#include <future>

#include "gmock/gmock.h"
#include "lib/base/file.h"
#include "tests/integration/device_manager/command_line.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

class FaultTest : public CommandLineTest {
 protected:
  void Fault(const std::string& name, const std::string& value = "") {
    std::vector<std::string> arguments = {"fault", name};
    if (!value.empty()) arguments.push_back(value);
    const Outcome outcome = Run(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  }

  // {capacity, allocatable} of kResource.
  std::pair<int, int> Shows() const {
    const nlohmann::json status = Status();
    for (const auto& resource : status["resources"]) {
      if (resource["name"] == kResource) return {resource["capacity"], resource["allocatable"]};
    }
    return {-1, -1};
  }

  using Counts = std::pair<int, int>;
};

TEST_F(FaultTest, TheGraceOfFiveMinutesCanBeSkipped) {
  StartServing();
  StartPlugin("a.sock", {"x", "y"});
  plugin_->EndStreams();
  ASSERT_TRUE(WaitFor([&] { return Shows() == Counts(2, 0); }));

  EXPECT_EQ(Run({"advance", "4m30s"}).output, "the clock is 270 s ahead\n");
  EXPECT_EQ(Shows(), Counts(2, 0)) << "not yet";
  EXPECT_EQ(Run({"advance", "30s"}).output, "the clock is 300 s ahead\n");
  EXPECT_EQ(Shows(), Counts(0, 0));
  EXPECT_EQ(Status()["clockAheadSeconds"], 300);
  EXPECT_THAT(Run({"status"}).output, HasSubstr("clock: 300 s ahead\n"));
  EXPECT_EQ(ReadFile(paths_.checkpoint(), 1u << 20).value_or("").find(kResource),
            std::string::npos);

  ASSERT_TRUE(plugin_->Register(kResource).ok());
  EXPECT_TRUE(WaitFor([&] { return Shows() == Counts(2, 2); })) << "back after the grace";
  EXPECT_THAT(Run({"advance", "5"}).output, HasSubstr("'5' is not a time such as 5m"));
}

TEST_F(FaultTest, RegistrationWithinTheGraceCancelsIt) {
  StartServing();
  StartPlugin("a.sock", {"x"});
  plugin_->EndStreams();
  ASSERT_TRUE(WaitFor([&] { return Shows() == Counts(1, 0); }));
  ASSERT_EQ(Run({"advance", "4m"}).exit_code, 0);
  ASSERT_TRUE(plugin_->Register(kResource).ok());
  ASSERT_TRUE(WaitFor([&] { return Shows() == Counts(1, 1); }));
  ASSERT_EQ(Run({"advance", "1h"}).exit_code, 0);
  EXPECT_EQ(Shows(), Counts(1, 1));
}

TEST_F(FaultTest, ADroppedStreamIsSeenByThePlugin) {
  StartServing();
  EXPECT_THAT(Run({"fault", "drop-stream"}).output, HasSubstr("no plugin is connected"));
  StartPlugin("a.sock", {"x"});
  EXPECT_THAT(Run({"fault", "drop-stream", "example.com/b"}).output,
              HasSubstr("no plugin is connected for example.com/b"));
  EXPECT_EQ(plugin_->open_streams(), 1);
  Fault("drop-stream", kResource);
  EXPECT_TRUE(WaitFor([&] { return plugin_->cancelled_streams() == 1; }));
  EXPECT_TRUE(WaitFor([&] { return Shows() == Counts(1, 0); }));
  EXPECT_FALSE(Status().contains("faults")) << "it is over";
}

TEST_F(FaultTest, AHangingRegisterIsAnsweredWhenTheSwitchIsReleased) {
  StartServing();
  Fault("slow-register", "hang");
  EXPECT_EQ(Run({"fault"}).output, "slow-register hang\n");
  EXPECT_EQ(Status()["faults"]["slow-register"], "hang");
  EXPECT_THAT(Run({"status"}).output, HasSubstr("fault: slow-register hang\n"));
  FakePlugin plugin(paths_.device_plugins() / "a.sock", {"x"});
  auto registered = std::async(std::launch::async, [&] { return plugin.Register(kResource).ok(); });
  Fault("slow-register", "off");
  EXPECT_TRUE(registered.get());
  EXPECT_TRUE(WaitFor([&] { return Shows() == Counts(1, 1); }));
}

TEST_F(FaultTest, AcceptedAndForgottenIsAStreamThatNeverComes) {
  StartServing();
  Fault("slow-list-and-watch", "hang");
  FakePlugin plugin(paths_.device_plugins() / "a.sock", {"x"});
  ASSERT_TRUE(plugin.Register(kResource).ok());
  EXPECT_EQ(Shows(), Counts(0, 0));
  EXPECT_EQ(plugin.open_streams(), 0);
  Fault("none");
  EXPECT_TRUE(WaitFor([&] { return Shows() == Counts(1, 1); }));
}

TEST_F(FaultTest, AHangingCallEndsWithARestartAndWithTheProgram) {
  StartServing();
  StartPlugin("a.sock", {"x"});
  Fault("slow-allocate", "hang");
  Fault("slow-register", "hang");
  auto admitted = std::async(std::launch::async, [&] {
    return Run({"admit", PodFile("demo", 1)});
  });
  auto registered =
      std::async(std::launch::async, [&] { return plugin_->Register(kResource).ok(); });
  ASSERT_EQ(Run({"restart", "--down", "0"}).exit_code, 0);
  EXPECT_EQ(admitted.get().exit_code, 1);
  // It had come before the restart, or met the new start and hangs there until the end.
  serve_->Signal(SIGTERM);
  EXPECT_EQ(serve_->Wait(), 0);
  EXPECT_FALSE(registered.get());
}

TEST_F(FaultTest, WithoutTheRaceAnOldStreamEndsAlone) {
  StartServing();
  Fault("old-stream-race", "off");
  StartPlugin("old.sock", {"x"});
  FakePlugin newer(paths_.device_plugins() / "new.sock", {"1", "2"});
  ASSERT_TRUE(newer.Register(kResource).ok());
  ASSERT_TRUE(WaitFor([&] { return Shows() == Counts(2, 2); }));
  plugin_->EndStreams();
  ASSERT_TRUE(WaitFor([&] { return plugin_->open_streams() == 0; }));
  newer.SetHealthy({"1", "2", "3"});
  EXPECT_TRUE(WaitFor([&] { return Shows() == Counts(3, 3); }));
  EXPECT_EQ(newer.cancelled_streams(), 0);

  newer.EndStreams();
  EXPECT_TRUE(WaitFor([&] { return Shows() == Counts(3, 0); })) << "its own end counts";
}

TEST_F(FaultTest, ASecondRegistrationAtTheSameSocketIsRefusedOnlyByNewerKubelets) {
  StartServing();
  StartPlugin("a.sock", {"x"});
  Fault("refuse-duplicates", "on");
  EXPECT_THAT(plugin_->Register(kResource).error_message(),
              HasSubstr("the device plugin of example.com/a at "));
  EXPECT_EQ(Shows(), Counts(1, 1)) << "the first one is unharmed";
  FakePlugin elsewhere(paths_.device_plugins() / "b.sock", {"x"});
  EXPECT_TRUE(elsewhere.Register(kResource).ok()) << "another socket is another plugin";
}

TEST_F(FaultTest, ALostOrCorruptCheckpointIsMetByTheNextStart) {
  StartServing();
  EXPECT_THAT(Run({"fault", "lose-checkpoint"}).output, HasSubstr("kubelet_internal_checkpoint"));
  for (const char* name : {"lose-checkpoint", "corrupt-checkpoint"}) {
    StartPlugin(std::string(name) + ".sock", {"x"});
    ASSERT_EQ(Run({"admit", PodFile(name, 1)}).exit_code, 0);
    ASSERT_EQ(Status()["resources"][0]["allocated"], 1);
    Fault(name);
    ASSERT_EQ(Run({"restart", "--down", "0"}).exit_code, 0);
    EXPECT_TRUE(Status()["resources"].empty()) << name << ": nothing is known";
    ASSERT_EQ(Run({"delete", name}).exit_code, 0);
  }
}

TEST_F(FaultTest, WhatIsNotAFaultIsSaid) {
  StartServing();
  const auto refusal = [&](const std::string& name, const std::string& value) {
    const Outcome outcome = Run({"fault", name, value});
    EXPECT_EQ(outcome.exit_code, 1);
    return outcome.output;
  };
  EXPECT_THAT(refusal("earthquake", "on"), HasSubstr("'earthquake' is not a fault"));
  EXPECT_THAT(refusal("refuse-dial", "maybe"), HasSubstr("'maybe' is not on or off"));
  EXPECT_THAT(refusal("none", "on"), HasSubstr("none takes no value"));
  EXPECT_EQ(Run({"fault"}).output, "");
}

}  // namespace
}  // namespace nodedevice::testing
