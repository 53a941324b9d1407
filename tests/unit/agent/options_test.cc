#include "agent/options.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

std::variant<AgentOptions, EarlyExit> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "node-device-agent");
  return ParseAgentOptions(static_cast<int>(arguments.size()), arguments.data(),
                           "/opt/bin/node-device-agent");
}

EarlyExit ExitOf(std::vector<const char*> arguments) {
  const auto parsed = Parse(std::move(arguments));
  const EarlyExit* exit = std::get_if<EarlyExit>(&parsed);
  EXPECT_NE(exit, nullptr);
  return exit ? *exit : EarlyExit{};
}

TEST(OptionsTest, HasDefaultsThatFitANode) {
  const auto parsed = Parse({"--config", "/etc/plugins.yaml"});
  const auto& options = std::get<AgentOptions>(parsed);
  EXPECT_EQ(options.config, "/etc/plugins.yaml");
  EXPECT_EQ(options.host_root, "/");
  EXPECT_EQ(options.kubelet_dir, "/var/lib/kubelet");
  EXPECT_EQ(options.listen, "127.0.0.1:9807");
  EXPECT_EQ(options.plugin_binary, "/opt/bin/node-device-plugin");
  EXPECT_EQ(options.log_format, "text");
  EXPECT_EQ(options.log_level, "info");
  EXPECT_FALSE(options.check);
}

TEST(OptionsTest, TakesEveryFlag) {
  const auto parsed =
      Parse({"--config", "c", "--host-root", "/host", "--kubelet-dir", "/k", "--listen", "[::1]:0",
             "--plugin-binary", "/p", "--check", "--log-format", "json", "--log-level", "debug"});
  const auto& options = std::get<AgentOptions>(parsed);
  EXPECT_EQ(options.host_root, "/host");
  EXPECT_EQ(options.kubelet_dir, "/k");
  EXPECT_EQ(options.listen, "[::1]:0");
  EXPECT_EQ(options.plugin_binary, "/p");
  EXPECT_TRUE(options.check);
  EXPECT_EQ(options.log_format, "json");
  EXPECT_EQ(options.log_level, "debug");
}

TEST(OptionsTest, SaysWhatIsWrong) {
  EXPECT_EQ(ExitOf({}).code, 2);
  EXPECT_THAT(ExitOf({}).text, HasSubstr("--config"));
  EXPECT_THAT(ExitOf({"--config", "c", "--log-format", "xml"}).text, HasSubstr("xml"));
  EXPECT_THAT(ExitOf({"--config", "c", "--what"}).text, HasSubstr("--what"));
}

TEST(OptionsTest, PrintsHelpAndVersionAsASuccess) {
  EXPECT_EQ(ExitOf({"--version"}).code, 0);
  EXPECT_THAT(ExitOf({"--version"}).text, HasSubstr("node-device-agent " NODEDEVICE_VERSION));
  EXPECT_EQ(ExitOf({"--help"}).code, 0);
  EXPECT_THAT(ExitOf({"--help"}).text, HasSubstr("--plugin-binary"));
}

}  // namespace
}  // namespace nodedevice::testing
