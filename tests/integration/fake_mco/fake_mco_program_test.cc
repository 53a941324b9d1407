// fake-mco as a program: its options, its hook, its end.

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <sstream>

#include "lib/kube/object_fields.h"
#include "tests/support/fake_api_server.h"
#include "tests/support/mco/cluster.h"
#include "tests/support/mco/machine_configs.h"
#include "tests/support/places.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

class FakeMcoProgramTest : public ::testing::Test {
 protected:
  FakeMcoProgramTest() {
    api_.Put(std::string(mco::kNodes) + "/n1",
             {{"metadata", {{"labels", {{"node-role.kubernetes.io/worker", ""}}}}}});
  }

  std::unique_ptr<Program> Start(const std::vector<std::string>& more) const {
    // Under AddressSanitizer: with whole stacks, by which tests/lsan.supp knows what OpenSSL keeps
    // for cpprestsdk's threads.
    std::vector<std::string> arguments = {"/usr/bin/env",
                                          "ASAN_OPTIONS=fast_unwind_on_malloc=0",
                                          ProgramFolder() / "fake-mco",
                                          "--kubeconfig",
                                          dir_.Write("kubeconfig", api_.Kubeconfig()).string(),
                                          "--render-delay",
                                          "5",
                                          "--update-time",
                                          "5"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<Program>(arguments, dir_.Under("log"));
  }
  // With whole stacks it takes most of a minute to start where several are played at a time.
  static bool WaitForIt(const std::function<bool()>& fact) {
    return WaitFor(fact, std::chrono::milliseconds(5), std::chrono::minutes(5));
  }
  Json Find(const char* collection, const std::string& name) const {
    return api_.Find(std::string(collection) + "/" + name).value_or(nullptr);
  }
  std::string StateOfNode() const {
    return mco::AnnotationOf(Find(mco::kNodes, "n1"), mco::kState);
  }
  // The node has this file, by what is said of it.
  bool HasFile(const std::string& path) const {
    const std::string current = mco::AnnotationOf(Find(mco::kNodes, "n1"), mco::kCurrentConfig);
    return !mco::TextOfFile(Find(mco::kMachineConfigs, current), path).empty();
  }
  void AddMachineConfig() {
    api_.Put(std::string(mco::kMachineConfigs) + "/50-vfio",
             mco::MachineConfigOf("50-vfio", "worker",
                                  {mco::IgnitionFile("/etc/modules-load.d/vfio", "vfio-pci\n")}));
  }

  const TempDir dir_;
  FakeApiServer api_;
};

TEST_F(FakeMcoProgramTest, TheHookIsGivenTheNodeAndWhatItGets) {
  const auto seen = dir_.Under("seen");
  const auto mco = Start({"--hook", "cat \"$2\" > " + seen.string() + ".new; echo reboots $1; mv " +
                                        seen.string() + ".new " + seen.string() + "; true"});
  ASSERT_TRUE(WaitForIt([&] { return StateOfNode() == "Done"; })) << mco->Output();
  AddMachineConfig();
  ASSERT_TRUE(WaitForIt([&] { return HasFile("/etc/modules-load.d/vfio"); })) << mco->Output();
  std::stringstream text;
  text << std::ifstream(seen).rdbuf();
  const Json given = Json::parse(text.str());
  EXPECT_EQ(mco::TextOfFile(given, "/etc/modules-load.d/vfio"), "vfio-pci\n");
  EXPECT_NE(mco->Output().find("reboots n1"), std::string::npos) << mco->Output();
  mco->Signal(SIGTERM);
  EXPECT_EQ(mco->Wait(), 0) << mco->Output();
}

TEST_F(FakeMcoProgramTest, AHookThatFailsDegradesTheNode) {
  const auto mco = Start({"--hook", "exit 3;"});
  ASSERT_TRUE(WaitForIt([&] { return StateOfNode() == "Done"; })) << mco->Output();
  AddMachineConfig();
  ASSERT_TRUE(WaitForIt([&] { return StateOfNode() == "Degraded"; })) << mco->Output();
  EXPECT_EQ(mco::AnnotationOf(Find(mco::kNodes, "n1"), mco::kReason), "the hook exited with 3");
}

TEST_F(FakeMcoProgramTest, WithoutAHookANodeIsDoneAfterItsTime) {
  const auto mco = Start({"--version", "4.21"});
  ASSERT_TRUE(WaitForIt([&] { return StateOfNode() == "Done"; })) << mco->Output();
  AddMachineConfig();
  EXPECT_TRUE(WaitForIt([&] { return HasFile("/etc/modules-load.d/vfio"); })) << mco->Output();
  api_.Put(std::string(mco::kKubeletConfigs) + "/k", {{"spec", {{"logLevel", 11}}}});
  EXPECT_TRUE(WaitForIt([&] {
    const Json config = Find(mco::kKubeletConfigs, "k");
    const Json& conditions = ListAt(config, "/status/conditions");
    return conditions.size() == 1 && TextAt(conditions[0], "/type") == "Failure" &&
           TextAt(conditions[0], "/status") == "False";
  })) << mco->Output();
}

TEST_F(FakeMcoProgramTest, AVersionThatItDoesNotKnowIsRefused) {
  const ProgramResult result =
      RunProgram({"fake-mco", "--kubeconfig", "x", "--version", "3.11"}, dir_.Under("log"));
  EXPECT_NE(result.code, 0);
  EXPECT_NE(result.output.find("--version"), std::string::npos) << result.output;
}

}  // namespace
}  // namespace nodedevice::testing
