#include "tests/soak/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nodedevice::soak {
namespace {

constexpr Duration kQuick = std::chrono::seconds(1);

struct Line {
  int steps = 0;
  bench::Samples kubelet;
  bench::Samples all;
};

int SlowerThanASecond(const bench::Samples& samples) {
  int slower = 0;
  for (const Duration duration : samples.all()) slower += duration > kQuick ? 1 : 0;
  return slower;
}

void AddTimes(const bench::Samples& samples, std::string* text) {
  if (samples.empty()) {
    absl::StrAppendFormat(text, "%9s%9s%6s", "", "", "");
    return;
  }
  absl::StrAppendFormat(text, "%9.0f%9.0f%6d", bench::Milliseconds(samples.Percentile(0.5)),
                        bench::Milliseconds(samples.Percentile(1)), SlowerThanASecond(samples));
}

void AddLine(std::string_view name, const Line& line, std::string* text) {
  absl::StrAppendFormat(text, "%-48s%7d", std::string(name), line.steps);
  AddTimes(line.kubelet, text);
  AddTimes(line.all, text);
  absl::StrAppend(text, "\n");
}

void AddAll(const std::map<Kind, bench::Samples>& by_kind, Kind kind, bench::Samples* one,
            bench::Samples* sum) {
  const auto found = by_kind.find(kind);
  if (found == by_kind.end()) return;
  *one = found->second;
  for (const Duration duration : found->second.all()) sum->Add(duration);
}

}  // namespace

void Report::Add(const Step& step) {
  ++steps;
  ++count.at(static_cast<std::size_t>(step.kind));
}

void Report::Add(const Step& step, const Settled& settled) {
  kubelet[step.kind].Add(settled.kubelet);
  all[step.kind].Add(settled.all);
}

bool Report::IsFlat() const {
  return std::ranges::all_of(courses, [](const Course& course) { return course.problems.empty(); });
}

std::string ToText(const Report& report, std::size_t marks) {
  std::string text =
      absl::StrFormat("%-48s%7s%24s%24s\n", "", "", "kubelet has all, ms", "agent says so too, ms");
  absl::StrAppendFormat(&text, "%-48s%7s%9s%9s%6s%9s%9s%6s\n", "step", "times", "p50", "max",
                        ">1 s", "p50", "max", ">1 s");
  Line total;
  int faults = 0;
  for (std::size_t i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    if (report.count[i] == 0) continue;
    if (IsFault(kind)) faults += report.count[i];
    total.steps += report.count[i];
    Line line{.steps = report.count[i], .kubelet = {}, .all = {}};
    AddAll(report.kubelet, kind, &line.kubelet, &total.kubelet);
    AddAll(report.all, kind, &line.all, &total.all);
    AddLine(NameOf(kind), line, &text);
  }
  AddLine("all", total, &text);
  absl::StrAppendFormat(&text, "\n%-20s%6s%10s%10s%10s%10s%9s%9s%9s%9s\n", "process", "marks",
                        "KiB first", "last", "half", "", "fd first", "last", "threads", "last");
  for (const Course& course : report.courses) {
    absl::StrAppendFormat(&text, "%-20s%6d%10d%10d%+10d%10s%9d%9d%9d%9d\n", course.process, marks,
                          course.first.private_kib, course.last.private_kib,
                          course.memory_growth_kib, course.problems.empty() ? "flat" : "GROWS",
                          course.first.descriptors, course.last.descriptors, course.first.threads,
                          course.last.threads);
  }
  absl::StrAppend(&text,
                  "(half: the most private memory of the later half beside that of the "
                  "earlier)\n");
  for (const Course& course : report.courses) {
    for (const std::string& problem : course.problems) absl::StrAppend(&text, problem, "\n");
  }
  absl::StrAppendFormat(&text,
                        "\n%.1f minutes, seed %d: %d steps, of which %d storm; %d faults; "
                        "%d facts were checked and held\n",
                        report.minutes, report.seed, report.steps, report.storm_steps, faults,
                        report.facts);
  return text;
}

}  // namespace nodedevice::soak
