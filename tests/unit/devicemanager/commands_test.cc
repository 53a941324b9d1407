#include "devicemanager/commands.h"

#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::HasSubstr;

// The commands on a Device Manager that nobody has opened: no socket, no plugin.
class CommandsTest : public ::testing::Test {
 protected:
  std::string Error(const std::string& request) {
    const auto answer = commands_.Handle(ControlJson::parse(request));
    return answer.ok() ? "(none)" : std::string(answer.status().message());
  }

  testing::TempDir dir_;
  NodeState state_{dir_.path() / "checkpoint"};
  PluginConnections plugins_{state_, dir_.path(), std::chrono::seconds(1)};
  Admitter admitter_{state_, plugins_, std::chrono::seconds(1)};
  std::optional<Duration> restarted_;
  Commands commands_{state_, plugins_, admitter_, [this](Duration down) {
                       restarted_ = down;
                       state_.Change([](State& state) { ++state.starts; });
                     }};
};

TEST_F(CommandsTest, ARequestThatIsNoneIsRefusedByItsMember) {
  EXPECT_THAT(Error("{}"), HasSubstr("no string 'command'"));
  EXPECT_THAT(Error(R"({"command": 7})"), HasSubstr("no string 'command'"));
  EXPECT_THAT(Error(R"({"command": "dance"})"), HasSubstr("unknown command 'dance'"));
  EXPECT_THAT(Error(R"({"command": "admit"})"), HasSubstr("no string 'manifest'"));
  EXPECT_THAT(Error(R"({"command": "delete", "namespace": "n"})"), HasSubstr("no string 'pod'"));
  EXPECT_THAT(Error(R"({"command": "restart", "downSeconds": -1})"), HasSubstr("'downSeconds'"));
  EXPECT_FALSE(restarted_.has_value());
}

TEST_F(CommandsTest, WantsAndTimeoutsAreBounded) {
  for (const char* wait : {"7", R"({"a": 1.5})", R"({"a": -1})", R"({"a": 99999999999})"}) {
    EXPECT_THAT(Error(std::string(R"({"command": "status", "wait": )") + wait + "}"),
                HasSubstr("'wait' of "));
  }
  for (const char* seconds : {"-1", "1e308", "\"1\"", "100000"}) {
    EXPECT_THAT(Error(std::string(R"({"command": "status", "timeoutSeconds": )") + seconds + "}"),
                HasSubstr("not a number of seconds"));
  }
}

TEST_F(CommandsTest, StatusSaysWhatIsMissing) {
  const auto status = commands_.Handle({{"command", "status"}, {"wait", {{"example.com/a", 1}}}});
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_THAT((*status)["missing"].get<std::string>(), HasSubstr("example.com/a"));
}

TEST_F(CommandsTest, WhileItIsDownPodsAreRefused) {
  EXPECT_EQ(Error(R"({"command": "admit", "manifest": "{apiVersion: v1, kind: Pod, metadata: )"
                  R"({name: p}, spec: {containers: [{name: c}]}}"})"),
            "the Device Manager is restarting; try again");
}

TEST_F(CommandsTest, RestartAnswersWhenItServesAgain) {
  EXPECT_EQ(Error(R"({"command": "restart", "downSeconds": 2})"), "(none)");
  EXPECT_EQ(restarted_, std::chrono::seconds(2));
}

}  // namespace
}  // namespace nodedevice::devicemanager
