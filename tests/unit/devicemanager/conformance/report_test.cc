#include "devicemanager/conformance/report.h"

#include "gmock/gmock.h"
#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Rule kMust = {"a/must", Severity::kMust, "A <law> & \"more\".", nullptr};
constexpr Rule kShould = {"a/should-too", Severity::kShould, "Another law.", nullptr};

Report Of(Verdict must, Verdict should) {
  return {.command = {"/opt/plugin", "--x=<y>"},
          .resources = {{kThing, 2}},
          .log = "/tmp/plugin.log",
          .log_end = "one\ntwo\n",
          .took = seconds(41),
          .findings = {{&kMust, {must, "it's <this> & \"that\""}}, {&kShould, {should, "3.9 s"}}}};
}

TEST(ConformanceReportTest, OnlyWhatMustHoldDecides) {
  EXPECT_TRUE(Passed(Of(Verdict::kPass, Verdict::kPass)));
  EXPECT_TRUE(Passed(Of(Verdict::kNotApplicable, Verdict::kFail)));
  EXPECT_FALSE(Passed(Of(Verdict::kFail, Verdict::kPass)));
}

TEST(ConformanceReportTest, TheTextHasALineForEachRuleAndTheLawOfWhatIsBroken) {
  EXPECT_EQ(TextReport(Of(Verdict::kPass, Verdict::kFail)),
            "plugin     /opt/plugin --x=<y>\n"
            "resource   example.com/thing (2 devices)\n"
            "its output /tmp/plugin.log\n"
            "\n"
            "must   pass  a/must        it's <this> & \"that\"\n"
            "should FAIL  a/should-too  3.9 s\n"
            "                           Another law.\n"
            "\n"
            "2 rules in 41.00 s: 1 hold, 0 that must hold and 1 that should are broken, 0 do not "
            "apply\n"
            "\n"
            "the end of its output:\n"
            "  one\n"
            "  two\n");
}

TEST(ConformanceReportTest, AGoodPluginsOutputIsNotShown) {
  EXPECT_THAT(TextReport(Of(Verdict::kPass, Verdict::kNotApplicable)), Not(HasSubstr("two")));
}

TEST(ConformanceReportTest, TheOutputCannotControlATerminal) {
  Report report = Of(Verdict::kFail, Verdict::kPass);
  report.log_end = "\x1b[2Jgone\xff";
  EXPECT_THAT(TextReport(report), Not(HasSubstr("\x1b")));
}

TEST(ConformanceReportTest, JsonHasEverything) {
  EXPECT_EQ(
      JsonReport(Of(Verdict::kFail, Verdict::kNotApplicable)).dump(),
      R"({"plugin":["/opt/plugin","--x=<y>"],"resources":{"example.com/thing":2},)"
      R"("log":"/tmp/plugin.log","seconds":41.0,"passed":false,"broken":{"must":1,"should":0},)"
      R"("rules":[{"name":"a/must","severity":"must","verdict":"fail",)"
      R"("seen":"it's <this> & \"that\"","law":"A <law> & \"more\"."},)"
      R"({"name":"a/should-too","severity":"should","verdict":"not-applicable","seen":"3.9 s",)"
      R"("law":"Another law."}]})");
}

TEST(ConformanceReportTest, JUnitIsEscapedAndFailsOnlyForWhatMustHold) {
  const std::string xml = JUnitReport(Of(Verdict::kFail, Verdict::kFail));
  EXPECT_THAT(xml,
              HasSubstr("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"41.0\""));
  EXPECT_THAT(xml, HasSubstr("value=\"/opt/plugin --x=&lt;y&gt;\""));
  EXPECT_THAT(xml, HasSubstr("<testcase classname=\"a\" name=\"a/must\"><failure type=\"must\" "
                             "message=\"it&#39;s &lt;this&gt; &amp; &quot;that&quot;\">A "
                             "&lt;law&gt; &amp; &quot;more&quot;.</failure></testcase>"));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"should, and does not: 3.9 s\"/>"));
  EXPECT_THAT(JUnitReport(Of(Verdict::kPass, Verdict::kNotApplicable)),
              HasSubstr("<skipped message=\"does not apply: 3.9 s\"/>"));
}

TEST(ConformanceReportTest, JUnitHoldsNothingThatNoXmlDocumentMayHold) {
  Report report = Of(Verdict::kFail, Verdict::kPass);
  report.findings[0].judgement.seen =
      "a\xEF\xBF\xBE"
      "b\xEF\xBF\xBF";
  EXPECT_THAT(JUnitReport(report), HasSubstr("message=\"a?b?\""));
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
