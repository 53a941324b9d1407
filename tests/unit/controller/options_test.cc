#include "controller/options.h"

#include <cstdlib>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

std::variant<ControllerOptions, EarlyExit> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "node-device-controller");
  return ParseControllerOptions(static_cast<int>(arguments.size()), arguments.data());
}
ControllerOptions Options(const std::vector<const char*>& arguments) {
  return std::get<ControllerOptions>(Parse(arguments));
}
std::string Refusal(const std::vector<const char*>& arguments) {
  const auto parsed = Parse(arguments);
  const EarlyExit* exit = std::get_if<EarlyExit>(&parsed);
  return exit != nullptr && exit->code == 2 ? exit->text : "";
}

TEST(ControllerOptionsTest, NeedTheAgentsImageOnly) {
  EXPECT_THAT(Refusal({}), HasSubstr("--agent-image"));
  const ControllerOptions options = Options({"--agent-image", "a:1"});
  EXPECT_EQ(options.agent_image, "a:1");
  EXPECT_EQ(options.name_space, "node-device");
  EXPECT_EQ(options.listen, "127.0.0.1:9808");
  EXPECT_EQ(options.health_listen, "");
  EXPECT_FALSE(options.lease_times_given);
}

TEST(ControllerOptionsTest, TakeLeaseTimesThatLeadToOneLeader) {
  const ControllerOptions options =
      Options({"--agent-image", "a", "--leader-elect-lease-duration", "15",
               "--leader-elect-renew-deadline", "10", "--leader-elect-retry-period", "2.5"});
  EXPECT_TRUE(options.lease_times_given);
  EXPECT_EQ(options.lease_times.lease(), std::chrono::seconds(15));
  EXPECT_EQ(options.lease_times.retry(), std::chrono::milliseconds(2500));
  EXPECT_THAT(Refusal({"--agent-image", "a", "--leader-elect-lease-duration", "10",
                       "--leader-elect-renew-deadline", "10", "--leader-elect-retry-period", "2"}),
              HasSubstr("--leader-elect-lease-duration"));
  EXPECT_THAT(Refusal({"--agent-image", "a", "--leader-elect-lease-duration", "10"}),
              HasSubstr("requires --leader-elect-"));
}

TEST(ControllerOptionsTest, RefuseWhatIsNoNamespaceOrSecret) {
  EXPECT_THAT(Refusal({"--agent-image", "a", "--agent-tls-secret", "a/b"}),
              HasSubstr("--agent-tls-secret"));
  EXPECT_EQ(Options({"--agent-image", "a", "--agent-tls-secret", "b"}).agent_tls_secret, "b");
  EXPECT_THAT(Refusal({"--agent-image", "a", "--namespace", "a/b"}), HasSubstr("--namespace"));
}

TEST(ControllerOptionsTest, ExplainThemselves) {
  const auto parsed = Parse({"--help"});
  EXPECT_EQ(std::get<EarlyExit>(parsed).code, 0);
  EXPECT_THAT(std::get<EarlyExit>(parsed).text, HasSubstr("RELATED_IMAGE_NODE_DEVICE_AGENT"));
}

}  // namespace
}  // namespace nodedevice::testing
