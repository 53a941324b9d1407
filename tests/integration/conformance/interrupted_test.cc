#include <signal.h>

#include <filesystem>

#include "gtest/gtest.h"
#include "tests/support/places.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

// A plugin that does not notice, so that the player waits with the device moved aside.
TEST(InterruptedTest, TheDeviceIsPutBackAndThePluginEnds) {
  const TempDir dir;
  const std::filesystem::path node = dir.MakeNode("dev/thing0");
  Program run({"device-manager", "conformance", "--only", "hotplug", "--device", node, "--log",
               dir.path() / "plugin.log", "--kubelet-dir", dir.path() / "kubelet", "--",
               ProgramFolder() / "faulty-device-plugin", "{plugin-dir}", "example.com/thing"},
              dir.path() / "output");
  ASSERT_TRUE(WaitFor([&] { return !std::filesystem::exists(node); })) << run.Output();
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 2);
  EXPECT_TRUE(std::filesystem::is_fifo(node));
  EXPECT_NE(run.Output().find("interrupted"), std::string::npos) << run.Output();
}

}  // namespace
}  // namespace nodedevice::testing
