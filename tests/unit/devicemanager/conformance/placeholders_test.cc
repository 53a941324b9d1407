#include "devicemanager/conformance/placeholders.h"

#include <sys/stat.h>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::devicemanager::conformance {
namespace {

const KubeletPaths kPaths("/tmp/k");

TEST(PlaceholdersTest, AreFilledAndOtherBracesStay) {
  EXPECT_EQ(Fill("--dir={kubelet-dir}", kPaths), "--dir=/tmp/k");
  EXPECT_EQ(Fill("{plugin-dir}:{kubelet-socket}", kPaths),
            "/tmp/k/device-plugins:/tmp/k/device-plugins/kubelet.sock");
  EXPECT_EQ(Fill("{registry-dir}/x.sock", kPaths), "/tmp/k/plugins_registry/x.sock");
  EXPECT_EQ(Fill(R"({"name":"{x}"})", kPaths), R"({"name":"{x}"})");
}

TEST(PlaceholdersTest, TheEnvironmentNamesTheFolderAndMore) {
  const auto environment = PluginEnvironment({"PLUGIN_SOCK_DIR={plugin-dir}/", "A=b=c"}, kPaths);
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(environment->at("KUBELET_DIR"), "/tmp/k");
  EXPECT_EQ(environment->at("DEVICE_PLUGINS_DIR"), "/tmp/k/device-plugins");
  EXPECT_EQ(environment->at("KUBELET_SOCKET"), "/tmp/k/device-plugins/kubelet.sock");
  EXPECT_EQ(environment->at("KUBELET_PLUGINS_REGISTRY"), "/tmp/k/plugins_registry");
  EXPECT_EQ(environment->at("PLUGIN_SOCK_DIR"), "/tmp/k/device-plugins/");
  EXPECT_EQ(environment->at("A"), "b=c");
  EXPECT_FALSE(PluginEnvironment({"A"}, kPaths).ok());
  EXPECT_FALSE(PluginEnvironment({"=a"}, kPaths).ok());
}

TEST(PlaceholdersTest, AProgramIsFoundAsAShellFindsIt) {
  const testing::TempDir dir;
  const std::string program = dir.Write("bin/plugin", "#!/bin/sh\n");
  dir.Write("other/plugin", "not executable");
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  const std::string path = (dir.path() / "other").native() + ":" + (dir.path() / "bin").native();
  EXPECT_EQ(*FindProgram("plugin", path), program);
  EXPECT_EQ(*FindProgram("./plugin", path), "./plugin");
  EXPECT_EQ(FindProgram("nothing", path).status().message(),
            "cannot start nothing: it is in no folder of PATH");
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
