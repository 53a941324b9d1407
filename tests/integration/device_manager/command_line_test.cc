#include <signal.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/clock.h"
#include "lib/kubelet/paths.h"
#include "lib/kubelet/socket_identity.h"
#include "nlohmann/json.hpp"
#include "tests/integration/device_manager/command_line.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unix_listener.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(CommandLineTest, APodIsAdmittedShownAndDeleted) {
  StartServing();
  StartPlugin("a.sock", {"x", "y"});

  const Outcome admitted = Run({"admit", PodFile("demo", 1)});
  EXPECT_EQ(admitted.exit_code, 0) << admitted.output;
  const auto admission = nlohmann::json::parse(admitted.output, nullptr, false);
  ASSERT_TRUE(admission.is_object()) << admitted.output;
  EXPECT_EQ(admission["admitted"], true);
  EXPECT_EQ(admission["containers"][0]["devices"][kResource], nlohmann::json({"x"}));
  EXPECT_EQ(admission["containers"][0]["spec"]["devices"][0]["hostPath"], "/dev/x");

  EXPECT_EQ(Run({"status"}).output,
            "RESOURCE        CAPACITY   ALLOCATABLE   ALLOCATED   CONNECTED\n"
            "example.com/a   2          2             1           yes\n");
  EXPECT_EQ(Status()["pods"][0]["name"], "demo");

  EXPECT_EQ(Run({"delete", "default/demo"}).exit_code, 0);
  EXPECT_TRUE(Status()["pods"].empty());
  const Outcome again = Run({"delete", "demo"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.output, HasSubstr("there is no pod default/demo"));
}

TEST_F(CommandLineTest, FiveThousandDevicesAreNoTrouble) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5000; ++i)
    ids.push_back("device-with-a-rather-long-name-" + std::to_string(i));
  StartServing();
  StartPlugin("a.sock", ids);
  EXPECT_EQ(Status()["resources"][0]["allocatable"], 5000);
}

TEST_F(CommandLineTest, ARejectionIsPrintedAndExitsWith1) {
  StartServing();
  StartPlugin("a.sock", {"x"});
  const Outcome outcome = Run({"admit", PodFile("demo", 2)});
  EXPECT_EQ(outcome.exit_code, 1);
  const auto admission = nlohmann::json::parse(outcome.output, nullptr, false);
  ASSERT_TRUE(admission.is_object()) << outcome.output;
  EXPECT_EQ(admission["reason"], "UnexpectedAdmissionError");
  EXPECT_EQ(admission["message"],
            "Pod was rejected: Allocate failed due to requested number of devices unavailable for "
            "example.com/a. Requested: 2, Available: 1, which is unexpected");
}

TEST_F(CommandLineTest, AShuffleTakesTheSameDevicesForTheSameSeed) {
  std::vector<std::string> ids;
  for (int i = 10; i < 60; ++i) ids.push_back("d" + std::to_string(i));
  std::vector<FakePlugin::Ids> taken;
  for (const char* seed : {"7", "7", "8"}) {
    StartServing({"--shuffle", seed});
    StartPlugin("a.sock", ids);
    ASSERT_EQ(Run({"admit", PodFile("demo", 5)}).exit_code, 0);
    taken.push_back(plugin_->allocations().at(0));
    ASSERT_EQ(Run({"delete", "demo"}).exit_code, 0);
    plugin_.reset();
    serve_->Signal(SIGTERM);
    serve_->Wait();
  }
  EXPECT_EQ(taken[0].size(), 5u);
  EXPECT_EQ(taken[0], taken[1]);
  EXPECT_NE(taken[0], taken[2]);
  EXPECT_THAT(Run({"serve", "--shuffle", "often"}).output, HasSubstr("--shuffle"));
}

TEST_F(CommandLineTest, AResourceThatNobodyRegisteredIsNamedAndExitsWith1) {
  StartServing();
  const Outcome outcome = Run({"admit", PodFile("demo", 1)});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("\"admitted\": true"));
  EXPECT_THAT(outcome.output,
              HasSubstr("container main: no plugin has registered example.com/a; a kubelet starts "
                        "the container without it, and a scheduler would have held the pod back"));
}

TEST_F(CommandLineTest, AManifestThatIsNotAPodNamesFileAndField) {
  StartServing();
  const std::string file = dir_.Write("service.yaml", "{apiVersion: v1, kind: Service}");
  const Outcome outcome = Run({"admit", file});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr(file + ": kind: 'Service' is not Pod"));
  EXPECT_EQ(Run({"admit", "/nonexistent.yaml"}).exit_code, 1);
}

TEST_F(CommandLineTest, AWaitInVainSaysWhatIsMissing) {
  StartServing();
  const Outcome outcome = Run({"status", "--wait", "example.com/a=2", "--timeout", "0.05"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("example.com/a: 0 allocatable of 2 wanted"));
  EXPECT_THAT(Run({"status", "--wait", "widget"}).output, HasSubstr("--wait: 'widget'"));
}

TEST_F(CommandLineTest, ASecondServeOnTheFolderIsRefused) {
  StartServing();
  const Outcome second = Run({"serve"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr("another device-manager serves"));
  EXPECT_THAT(second.output, HasSubstr("(process " + std::to_string(serve_->pid()) + ")"));
  EXPECT_EQ(Run({"status"}).exit_code, 0) << "the first one is unharmed";
}

TEST_F(CommandLineTest, AFolderInWhichAKubeletAnswersIsLeftAlone) {
  const UnixListener kubelet(dir_.Under("device-plugins/kubelet.sock"));
  const UnixListener plugin(dir_.Under("device-plugins/vendor.sock"));
  const Outcome outcome = Run({"serve"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("a kubelet answers on"));
  EXPECT_TRUE(Connects(paths_.device_plugins() / "vendor.sock").ok());
}

TEST_F(CommandLineTest, StaleSocketsAreRemovedAtTheStart) {
  { const UnixListener kubelet(dir_.Under("device-plugins/kubelet.sock")); }
  { const UnixListener plugin(dir_.Under("device-plugins/vendor.sock")); }
  dir_.Write("device-plugins/DEPRECATION", "stays");
  StartServing();
  EXPECT_FALSE(std::filesystem::exists(paths_.device_plugins() / "vendor.sock"));
  EXPECT_TRUE(std::filesystem::exists(paths_.device_plugins() / "DEPRECATION"));
  EXPECT_TRUE(Connects(paths_.registration_socket()).ok());
}

TEST_F(CommandLineTest, ARestartKeepsTheProcessAndThePods) {
  StartServing();
  StartPlugin("a.sock", {"x", "y"});
  ASSERT_EQ(Run({"admit", PodFile("demo", 1)}).exit_code, 0);

  const Outcome restarted = Run({"restart", "--down", "0.05"});
  EXPECT_EQ(restarted.exit_code, 0) << restarted.output;
  EXPECT_EQ(Run({"status"}).output,
            "RESOURCE        CAPACITY   ALLOCATABLE   ALLOCATED   CONNECTED\n"
            "example.com/a   0          0             1           no\n");

  StartPlugin("b.sock", {"x", "y"});
  const auto status = Status();
  EXPECT_EQ(status["starts"], 2);
  EXPECT_EQ(status["pods"][0]["name"], "demo");
  EXPECT_EQ(status["pods"][0]["devices"]["main"][kResource], nlohmann::json({"x"}));
}

TEST_F(CommandLineTest, ANewProcessReadsTheCheckpointOfTheLastOne) {
  StartServing();
  StartPlugin("a.sock", {"x", "y"});
  ASSERT_EQ(Run({"admit", PodFile("demo", 1)}).exit_code, 0);
  serve_->Signal(SIGKILL);
  serve_->Wait();

  StartServing();
  StartPlugin("b.sock", {"x", "y"});
  const auto status = Status();
  EXPECT_EQ(status["resources"][0]["allocated"], 1);
  const std::string uid = status["pods"][0].value("uid", "");
  EXPECT_EQ(Run({"delete", uid}).exit_code, 0);
  EXPECT_EQ(Status()["resources"][0]["allocated"], 0);
}

TEST_F(CommandLineTest, WhatAPodHeldBeforeAKillIsFreedByTheNextAdmission) {
  StartServing();
  StartPlugin("a.sock", {"x"});
  ASSERT_EQ(Run({"admit", PodFile("lost", 1)}).exit_code, 0);
  serve_->Signal(SIGKILL);
  serve_->Wait();

  StartServing();
  StartPlugin("b.sock", {"x"});
  EXPECT_EQ(Status()["resources"][0]["allocated"], 1) << "until somebody asks for devices";
  const Outcome admitted = Run({"admit", PodFile("next", 1)});
  EXPECT_EQ(admitted.exit_code, 0) << admitted.output;
  EXPECT_THAT(plugin_->allocations(), ::testing::ElementsAre(::testing::ElementsAre("x")));
  const auto status = Status();
  ASSERT_EQ(status["pods"].size(), 1u) << status;
  EXPECT_EQ(status["pods"][0]["name"], "next");
  const std::string uid = status["pods"][0].value("uid", "");
  const Outcome checkpoint = RunDeviceManager({"checkpoint", paths_.checkpoint()});
  EXPECT_THAT(checkpoint.output, HasSubstr("pod " + uid + " container main holds"));
  EXPECT_EQ(checkpoint.output.find("holds"), checkpoint.output.rfind("holds")) << checkpoint.output;
}

TEST_F(CommandLineTest, APodThatComesBackAfterAKillKeepsItsDevices) {
  StartServing();
  StartPlugin("a.sock", {"x", "y"});
  const std::string pod = dir_.Write("fixed.yaml",
                                     "{apiVersion: v1, kind: Pod, metadata: {name: fixed, uid: "
                                     "one}, spec: {containers: [{name: main, resources: {limits: "
                                     "{example.com/a: 1}}}]}}");
  ASSERT_EQ(Run({"admit", pod}).exit_code, 0);
  serve_->Signal(SIGKILL);
  serve_->Wait();

  StartServing();
  StartPlugin("b.sock", {"x", "y"});
  const Outcome again = Run({"admit", pod});
  EXPECT_EQ(again.exit_code, 0) << again.output;
  EXPECT_TRUE(plugin_->allocations().empty()) << "the cached answer";
  EXPECT_EQ(Status()["resources"][0]["allocated"], 1);
}

TEST_F(CommandLineTest, ACheckpointIsExplainedAndACorruptOneExitsWith1) {
  StartServing();
  StartPlugin("a.sock", {"x", "y"});
  ASSERT_EQ(Run({"admit", PodFile("demo", 1)}).exit_code, 0);
  const std::string uid = Status()["pods"][0].value("uid", "");
  const std::string file = paths_.checkpoint();
  const Outcome shown = RunDeviceManager({"checkpoint", file});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_EQ(shown.output, "pod " + uid +
                              " container main holds of example.com/a: x\n"
                              "resource example.com/a: 2 healthy when it was written: x y\n");
  const auto json = nlohmann::json::parse(RunDeviceManager({"checkpoint", "--json", file}).output,
                                          nullptr, false);
  EXPECT_EQ(json["entries"][0]["answer"]["devices"][0]["hostPath"], "/dev/x");

  ASSERT_EQ(Run({"fault", "corrupt-checkpoint"}).exit_code, 0);
  const Outcome corrupt = RunDeviceManager({"checkpoint", file});
  EXPECT_EQ(corrupt.exit_code, 1);
  EXPECT_THAT(corrupt.output, HasSubstr(file + ": "));
  EXPECT_THAT(corrupt.output, HasSubstr("a kubelet starts without it"));
  EXPECT_EQ(RunDeviceManager({"checkpoint", "/nonexistent"}).exit_code, 1);
}

TEST_F(CommandLineTest, ACorruptCheckpointIsAnEmptyOne) {
  dir_.Write("device-plugins/kubelet_internal_checkpoint", "{\"Data\":garbage");
  StartServing();
  EXPECT_TRUE(Status()["resources"].empty());
}

TEST_F(CommandLineTest, SigtermStopsAtOnceAndLeavesARefusingSocketBehind) {
  StartServing();
  StartPlugin("a.sock", {"x"}, {.hang_in_allocate = true});
  std::thread hanging([&] { Run({"admit", PodFile("demo", 1)}); });
  std::thread waiting([&] { Run({"status", "--wait", "example.com/b", "--timeout", "600"}); });
  ASSERT_TRUE(WaitFor([&] { return plugin_->allocations().size() == 1; }));

  const TimePoint before = Clock::now();
  serve_->Signal(SIGTERM);
  EXPECT_EQ(serve_->Wait(), 0);
  // A second on a healthy machine; sanitizers and a busy one get more.
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(10));
  hanging.join();
  waiting.join();

  EXPECT_TRUE(absl::IsUnavailable(Connects(paths_.registration_socket())));
  EXPECT_TRUE(ReadSocketIdentity(paths_.registration_socket()).has_value());
  EXPECT_FALSE(std::filesystem::exists(dir_.path() / "device-manager.sock"));
  EXPECT_TRUE(WaitFor([&] { return plugin_->cancelled_streams() == 1; }));
}

TEST_F(CommandLineTest, AFolderThatCannotBeUsedIsAClearError) {
  const std::string file = dir_.Write("file", "not a folder");
  const Outcome not_a_folder = RunDeviceManager({"serve", "--kubelet-dir", file});
  EXPECT_EQ(not_a_folder.exit_code, 1);
  EXPECT_THAT(not_a_folder.output, HasSubstr(file));

  const Outcome too_long =
      RunDeviceManager({"serve", "--kubelet-dir", (dir_.path() / std::string(100, 'x')).string()});
  EXPECT_EQ(too_long.exit_code, 1);
  EXPECT_THAT(too_long.output, HasSubstr("the system allows 107"));

  const Outcome read_only = RunDeviceManager({"serve", "--kubelet-dir", "/proc/kubelet"});
  EXPECT_EQ(read_only.exit_code, 1);
  EXPECT_THAT(read_only.output, HasSubstr("make folder /proc/kubelet"));
}

TEST_F(CommandLineTest, WithoutAServerCommandsSaySo) {
  for (const char* command : {"status", "restart"}) {
    const Outcome outcome = Run({command});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.output, HasSubstr("no device-manager serves there"));
  }
}

}  // namespace
}  // namespace nodedevice::testing
