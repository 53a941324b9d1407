#include "devicemanager/conformance/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "devicemanager/conformance/words.h"
#include "lib/base/markup.h"
#include "lib/base/utf8.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr std::size_t kLongestLine = 2000;

std::size_t Number(const Report& report, Verdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(report.findings.begin(), report.findings.end(),
                    [&](const Finding& finding) { return finding.judgement.verdict == verdict; }));
}

std::size_t Broken(const Report& report, Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(report.findings.begin(), report.findings.end(), [&](const Finding& finding) {
        return finding.judgement.verdict == Verdict::kFail && finding.rule->severity == severity;
      }));
}

const char* Text(Severity severity) { return severity == Severity::kMust ? "must" : "should"; }

const char* Text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kNotApplicable:
      return "not-applicable";
  }
  return "";
}

const char* Mark(Verdict verdict) {
  return verdict == Verdict::kFail ? "FAIL" : verdict == Verdict::kPass ? "pass" : "-";
}

double SecondsOf(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string CommandLine(const Report& report) {
  return OneLine(absl::StrJoin(report.command, " "), kLongestLine);
}

// As the content of an element or an attribute. The two noncharacters of UTF-8 that no XML document
// may hold become question marks: a reader would refuse the whole report.
std::string Xml(std::string_view text) {
  return EscapeMarkup(absl::StrReplaceAll(OneLine(text, kLongestLine),
                                          {{"\xEF\xBF\xBE", "?"}, {"\xEF\xBF\xBF", "?"}}));
}

std::string TestCase(const Finding& finding) {
  const std::string begin =
      absl::StrCat("  <testcase classname=\"", Xml(TopicOf(finding.rule->name)), "\" name=\"",
                   Xml(finding.rule->name), "\">");
  const std::string seen = Xml(finding.judgement.seen);
  const std::string law = Xml(finding.rule->law);
  std::string content;
  switch (finding.judgement.verdict) {
    case Verdict::kPass:
      content = absl::StrCat("<system-out>", seen, "</system-out>");
      break;
    case Verdict::kFail:
      content =
          finding.rule->severity == Severity::kMust
              ? absl::StrCat("<failure type=\"must\" message=\"", seen, "\">", law, "</failure>")
              : absl::StrCat("<skipped message=\"should, and does not: ", seen, "\"/>",
                             "<system-out>", law, "</system-out>");
      break;
    case Verdict::kNotApplicable:
      content = absl::StrCat("<skipped message=\"does not apply: ", seen, "\"/>");
      break;
  }
  return absl::StrCat(begin, content, "</testcase>\n");
}

}  // namespace

bool Passed(const Report& report) { return Broken(report, Severity::kMust) == 0; }

std::string TextReport(const Report& report) {
  std::string text = absl::StrCat("plugin     ", CommandLine(report), "\n");
  for (const auto& [resource, devices] : report.resources) {
    absl::StrAppend(&text, "resource   ", OneLine(resource, kLongestLine), " (",
                    Count(devices, "device"), ")\n");
  }
  absl::StrAppend(&text, "its output ", report.log, "\n\n");
  std::size_t width = 0;
  for (const Finding& finding : report.findings) {
    width = std::max(width, finding.rule->name.size());
  }
  for (const Finding& finding : report.findings) {
    const Verdict verdict = finding.judgement.verdict;
    absl::StrAppendFormat(&text, "%-6s %-4s  %-*s  %s\n", Text(finding.rule->severity),
                          Mark(verdict), static_cast<int>(width), finding.rule->name,
                          finding.judgement.seen);
    if (verdict == Verdict::kFail) {
      absl::StrAppendFormat(&text, "%*s%s\n", static_cast<int>(width) + 15, "", finding.rule->law);
    }
  }
  absl::StrAppend(&text, "\n", Count(report.findings.size(), "rule"), " in ", Took(report.took),
                  ": ", Number(report, Verdict::kPass), " hold, ", Broken(report, Severity::kMust),
                  " that must hold and ", Broken(report, Severity::kShould),
                  " that should are broken, ", Number(report, Verdict::kNotApplicable),
                  " do not apply\n");
  if (Number(report, Verdict::kFail) > 0 && !report.log_end.empty()) {
    absl::StrAppend(&text, "\nthe end of its output:\n");
    for (const absl::string_view line : absl::StrSplit(report.log_end, '\n', absl::SkipEmpty())) {
      absl::StrAppend(&text, "  ", OneLine({line.data(), line.size()}, kLongestLine), "\n");
    }
  }
  return text;
}

nlohmann::ordered_json JsonReport(const Report& report) {
  nlohmann::ordered_json resources = nlohmann::ordered_json::object();
  for (const auto& [resource, devices] : report.resources) resources[resource] = devices;
  nlohmann::ordered_json rules = nlohmann::ordered_json::array();
  for (const Finding& finding : report.findings) {
    nlohmann::ordered_json rule = nlohmann::ordered_json::object();
    rule["name"] = finding.rule->name;
    rule["severity"] = Text(finding.rule->severity);
    rule["verdict"] = Text(finding.judgement.verdict);
    rule["seen"] = finding.judgement.seen;
    rule["law"] = finding.rule->law;
    rules.push_back(std::move(rule));
  }
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  json["plugin"] = report.command;
  json["resources"] = std::move(resources);
  json["log"] = report.log;
  json["seconds"] = SecondsOf(report.took);
  json["passed"] = Passed(report);
  json["broken"] = {{"must", Broken(report, Severity::kMust)},
                    {"should", Broken(report, Severity::kShould)}};
  json["rules"] = std::move(rules);
  return json;
}

std::string JUnitReport(const Report& report) {
  const std::size_t skipped =
      Number(report, Verdict::kNotApplicable) + Broken(report, Severity::kShould);
  std::string xml = absl::StrFormat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"device plugin conformance\" tests=\"%d\" failures=\"%d\" errors=\"0\" "
      "skipped=\"%d\" time=\"%.1f\">\n  <properties><property name=\"plugin\" value=\"%s\"/>"
      "</properties>\n",
      report.findings.size(), Broken(report, Severity::kMust), skipped, SecondsOf(report.took),
      Xml(CommandLine(report)));
  for (const Finding& finding : report.findings) xml += TestCase(finding);
  return xml + "</testsuite>\n";
}

}  // namespace nodedevice::devicemanager::conformance
