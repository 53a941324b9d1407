#include "agent/plugin_output.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/log_capture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PluginOutputTest : public ::testing::Test {
 protected:
  LogCapture log_;
  PluginOutput output_{"kvm"};
  TimePoint now_ = TimePoint() + seconds(100);
};

TEST_F(PluginOutputTest, PutsThePluginsNameBeforeEachLine) {
  output_.Add("hello\nworld {}\r\n", now_);
  EXPECT_EQ(log_.text(), "[kvm] hello\n[kvm] world {}\n");
}

TEST_F(PluginOutputTest, TakesOverLevelAndMessageOfOurOwnPluginsLog) {
  log_.SetPattern("%l %v");
  output_.Add(
      R"({"time":"t","level":"warning","program":"node-device-plugin","message":"a \u0007b"})"
      "\n",
      now_);
  EXPECT_EQ(log_.text(), "warning [kvm] a ?b\n");
}

TEST_F(PluginOutputTest, LogsOtherJsonAsItStands) {
  for (const char* line : {R"({"level":"loud","message":"a"})", R"({"level":1,"message":"a"})",
                           R"({"message":"a"})", R"({"level":"info"})", "{", "{}"}) {
    output_.Add(std::string(line) + "\n", now_);
    EXPECT_THAT(log_.text(), HasSubstr("[kvm] " + std::string(line) + "\n"));
  }
}

TEST_F(PluginOutputTest, LogsAFloodUpToALimitAndCountsTheRest) {
  for (int i = 0; i < 1000; ++i) output_.Add("line " + std::to_string(i) + "\n", now_);
  EXPECT_THAT(log_.text(), AllOf(HasSubstr("[kvm] line 99\n"), Not(HasSubstr("line 100\n"))));
  output_.Add("later\n", now_ + seconds(10));
  EXPECT_THAT(log_.text(), HasSubstr("[kvm] printed 900 more lines, which are not logged: at most "
                                     "100 are in 10 s\n[kvm] later\n"));
}

TEST_F(PluginOutputTest, CutsALongLine) {
  output_.Add(std::string(5000, 'x') + "\n", now_);
  EXPECT_THAT(log_.text(), HasSubstr("xxx ... (904 more bytes)\n"));
}

TEST_F(PluginOutputTest, LogsTheLastWordsOfAPluginThatEnds) {
  output_.Add("panic: no newline", now_);
  output_.Finish(now_);
  EXPECT_EQ(log_.text(), "[kvm] panic: no newline\n");
}

TEST(PrintableTest, LetsNothingThroughThatSteersATerminalOrForgesALine) {
  EXPECT_EQ(Printable("a\x1b[31mb\x7f\n\tc\0d"), "a?[31mb??\tc");
  EXPECT_EQ(Printable(std::string_view("\0x", 2)), "?x");
  EXPECT_EQ(Printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(Printable("\xff\xc3x"),
            "?"
            "?x");
}

}  // namespace
}  // namespace nodedevice::testing
