#include "agent/options.h"

#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
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

TEST(OptionsTest, ServesPlainHttpByDefault) {
  const auto parsed = Parse({"--config", "c"});
  const auto& options = std::get<AgentOptions>(parsed);
  EXPECT_TRUE(options.https.tls.certificate.empty());
  EXPECT_EQ(options.https.tls.min_version, "VersionTLS12");
  EXPECT_THAT(options.https.client_names,
              ElementsAre("system:serviceaccount:openshift-monitoring:prometheus-k8s"));
}

TEST(OptionsTest, TakesEveryFlagOfTls) {
  const auto parsed =
      Parse({"--config", "c", "--tls-cert", "/t/tls.crt", "--tls-key", "/t/tls.key", "--client-ca",
             "/t/ca.crt", "--client-name", "a", "--client-name", "b", "--tls-min-version",
             "VersionTLS13", "--tls-cipher-suites", "one,two"});
  const auto& options = std::get<AgentOptions>(parsed);
  EXPECT_EQ(options.https.tls.certificate, "/t/tls.crt");
  EXPECT_EQ(options.https.tls.key, "/t/tls.key");
  EXPECT_EQ(options.https.tls.client_ca, "/t/ca.crt");
  EXPECT_EQ(options.https.tls.min_version, "VersionTLS13");
  EXPECT_THAT(options.https.tls.cipher_suites, ElementsAre("one", "two"));
  EXPECT_THAT(options.https.client_names, ElementsAre("a", "b"));
}

TEST(OptionsTest, FlagsOfTlsComeTogether) {
  const auto problem = [](std::vector<const char*> flags) {
    flags.insert(flags.begin(), {"--config", "c"});
    EXPECT_EQ(ExitOf(flags).code, 2);
    return ExitOf(flags).text;
  };
  EXPECT_THAT(problem({"--tls-cert", "c"}), HasSubstr("--tls-cert requires --tls-key"));
  EXPECT_THAT(problem({"--tls-key", "k"}), HasSubstr("--tls-key requires --tls-cert"));
  EXPECT_THAT(problem({"--client-ca", "a"}), HasSubstr("--client-ca requires --tls-cert"));
  EXPECT_THAT(problem({"--tls-cert", "c", "--tls-key", "k", "--client-name", "n"}),
              HasSubstr("--client-name requires --client-ca"));
  EXPECT_THAT(problem({"--tls-min-version", "VersionTLS13"}),
              HasSubstr("--tls-min-version requires --tls-cert"));
  EXPECT_THAT(problem({"--tls-cipher-suites", "a"}),
              HasSubstr("--tls-cipher-suites requires --tls-cert"));
  EXPECT_THAT(problem({"--tls-cert", "c", "--tls-key", "k", "--tls-min-version", "VersionTLS11"}),
              HasSubstr("--tls-min-version: VersionTLS11"));
}

TEST(OptionsTest, SaysWhatIsWrong) {
  EXPECT_EQ(ExitOf({}).code, 2);
  EXPECT_THAT(ExitOf({"--config", "c", "--log-format", "xml"}).text, HasSubstr("xml"));
  EXPECT_THAT(ExitOf({"--config", "c", "--what"}).text, HasSubstr("--what"));
}

// The environment of one test.
class OptionsOfThePodTest : public ::testing::Test {
 protected:
  OptionsOfThePodTest() { Forget(); }
  ~OptionsOfThePodTest() override { Forget(); }
  static void Forget() {
    ::unsetenv("NODE_NAME");
    ::unsetenv("POD_NAME");
  }
};

TEST_F(OptionsOfThePodTest, TakesANameInTheApiInsteadOfAFile) {
  const auto parsed = Parse(
      {"--config-name", "rig", "--kubeconfig", "/k", "--node-name", "w7", "--pod-name", "agent-x"});
  const auto& options = std::get<AgentOptions>(parsed);
  EXPECT_EQ(options.config_name, "rig");
  EXPECT_EQ(options.config, "");
  EXPECT_EQ(options.kubeconfig, "/k");
  EXPECT_EQ(options.node_name, "w7");
  EXPECT_EQ(options.pod_name, "agent-x");
}

TEST_F(OptionsOfThePodTest, TheEnvironmentNamesNodeAndPodAndTheCommandLineWins) {
  ::setenv("NODE_NAME", "w7", 1);
  ::setenv("POD_NAME", "agent-x", 1);
  auto parsed = Parse({"--config-name", "rig"});
  EXPECT_EQ(std::get<AgentOptions>(parsed).node_name, "w7");
  EXPECT_EQ(std::get<AgentOptions>(parsed).pod_name, "agent-x");
  EXPECT_EQ(std::get<AgentOptions>(parsed).kubeconfig, "");
  parsed = Parse({"--config-name", "rig", "--node-name", "w8", "--pod-name", "agent-y"});
  EXPECT_EQ(std::get<AgentOptions>(parsed).node_name, "w8");
  EXPECT_EQ(std::get<AgentOptions>(parsed).pod_name, "agent-y");
}

TEST_F(OptionsOfThePodTest, ANodeWithoutANameIsCalledAsItsHost) {
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof(host) - 1), 0);
  std::string name = host;
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto parsed = Parse({"--config-name", "rig"});
  EXPECT_EQ(std::get<AgentOptions>(parsed).node_name, name);
  EXPECT_EQ(std::get<AgentOptions>(parsed).pod_name, "");
}

TEST_F(OptionsOfThePodTest, TakesExactlyOneSourceOfTheConfiguration) {
  const auto problem = [](std::vector<const char*> flags) {
    EXPECT_EQ(ExitOf(flags).code, 2);
    return ExitOf(flags).text;
  };
  const std::string none = problem({});
  EXPECT_THAT(none, AllOf(HasSubstr("--config"), HasSubstr("--config-name")));
  const std::string both = problem({"--config", "c", "--config-name", "rig"});
  EXPECT_THAT(both, AllOf(HasSubstr("--config"), HasSubstr("--config-name")));
  EXPECT_THAT(problem({"--config-name", "rig", "--check"}), HasSubstr("--check requires --config"));
  EXPECT_THAT(problem({"--config", "c", "--kubeconfig", "k"}),
              AnyOf(HasSubstr("--kubeconfig requires --config-name"),
                    HasSubstr("--kubeconfig excludes --config")));
}

TEST_F(OptionsOfThePodTest, RefusesWhatIsNoName) {
  const auto problem = [](std::vector<const char*> flags) {
    EXPECT_EQ(ExitOf(flags).code, 2);
    return ExitOf(flags).text;
  };
  EXPECT_THAT(problem({"--config-name", "a/b"}),
              HasSubstr("--config-name: a name is made of lower case letters, digits, '-' and "
                        "'.', and has at most 253 of them; is 'a/b'"));
  EXPECT_THAT(problem({"--config-name", "rig", "--node-name", "W7"}), HasSubstr("is 'W7'"));
  const std::string long_name(254, 'a');
  EXPECT_THAT(problem({"--config-name", long_name.c_str()}), HasSubstr("at most 253"));
}

TEST(OptionsTest, PrintsHelpAndVersionAsASuccess) {
  EXPECT_EQ(ExitOf({"--version"}).code, 0);
  EXPECT_THAT(ExitOf({"--version"}).text, HasSubstr("node-device-agent " NODEDEVICE_VERSION));
  EXPECT_EQ(ExitOf({"--help"}).code, 0);
  EXPECT_THAT(ExitOf({"--help"}).text, HasSubstr("--plugin-binary"));
}

}  // namespace
}  // namespace nodedevice::testing
