#include "tests/bench/report.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nodedevice::bench {
namespace {

constexpr double kKibPerMb = 1000.0 / 1.024;  // MB of the goals are 10^6 bytes
constexpr int kManyDevices = 1000;            // from here on the goals for many devices hold

double Microseconds(Duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

// `Measured`: Figures or ResourcesFigures.
template <typename Measured>
class ReportBuilder {
 public:
  ReportBuilder(std::string title, const Measured& figures, const std::optional<Measured>& peer)
      : report_{.title = std::move(title), .rows = {}}, figures_(figures), peer_(peer) {}

  using Value = std::function<double(const Measured&)>;

  void Add(std::string what, std::string unit, std::optional<double> goal, const Value& value) {
    report_.rows.push_back({.what = std::move(what),
                            .unit = std::move(unit),
                            .value = value(figures_),
                            .goal = goal,
                            .peer = peer_ ? std::optional(value(*peer_)) : std::nullopt});
  }

  // Median and maximum of the same samples, under the same goal.
  void AddTimes(const std::string& what, std::optional<double> goal, Samples Measured::*samples) {
    for (const auto& [name, share] : {std::pair("p50", 0.5), std::pair("max", 1.0)}) {
      Add(absl::StrCat(what, ", ", name), "ms", goal, [samples, share = share](const Measured& f) {
        return Milliseconds((f.*samples).Percentile(share));
      });
    }
  }

  // How much of the peer's figure ours is; nothing without a peer.
  void AddShare(std::string what, double goal, const Value& value) {
    if (!peer_) return;
    report_.rows.push_back({.what = std::move(what) + " / peer's",
                            .unit = "",
                            .value = value(figures_) / value(*peer_),
                            .goal = goal,
                            .peer = std::nullopt});
  }

  Report Take() { return std::move(report_); }

 private:
  Report report_;
  const Measured& figures_;
  const std::optional<Measured> peer_;
};

ReportBuilder<Figures>::Value CallTime(Samples Figures::*samples, double share) {
  return
      [samples, share](const Figures& f) { return Microseconds((f.*samples).Percentile(share)); };
}

void AddCalls(ReportBuilder<Figures>& builder) {
  constexpr double kOfEmptyCall = 1.15;
  constexpr double kOfPeer = 0.6;
  for (const auto& [name, share] : {std::pair("p50", 0.5), std::pair("p99", 0.99)}) {
    const auto empty = CallTime(&Figures::empty_call, share);
    const auto allocate = CallTime(&Figures::allocate, share);
    const bool judged = share == 0.5;
    builder.Add(absl::StrCat("empty call, ", name), "us", std::nullopt, empty);
    builder.Add(absl::StrCat("Allocate, ", name), "us", std::nullopt, allocate);
    builder.Add(absl::StrCat("Allocate / empty call, ", name), "",
                judged ? std::optional(kOfEmptyCall) : std::nullopt,
                [=](const Figures& f) { return allocate(f) / empty(f); });
    builder.AddShare(absl::StrCat("Allocate, ", name), kOfPeer, allocate);
  }
}

void AddUse(ReportBuilder<Figures>& builder, int devices) {
  const double private_goal = devices < kManyDevices ? 5 : 8;
  constexpr double kPrivateOfPeer = 0.25;
  constexpr double kResidentOfPeer = 0.5;
  struct Moment {
    const char* name;
    ProcessUse Figures::*use;
  };
  for (const Moment& moment :
       {Moment{"after start", &Figures::after_start}, Moment{"after work", &Figures::after_work}}) {
    const auto use = moment.use;
    const auto name = [&](const char* what) { return absl::StrCat(what, ", ", moment.name); };
    const auto private_mb = [use](const Figures& f) {
      return static_cast<double>((f.*use).private_kib) / kKibPerMb;
    };
    const auto resident_mb = [use](const Figures& f) {
      return static_cast<double>((f.*use).resident_kib) / kKibPerMb;
    };
    builder.Add(name("private memory (RssAnon)"), "MB", private_goal, private_mb);
    builder.AddShare(name("private memory"), kPrivateOfPeer, private_mb);
    builder.Add(name("resident memory (VmRSS)"), "MB", std::nullopt, resident_mb);
    builder.AddShare(name("resident memory"), kResidentOfPeer, resident_mb);
    builder.Add(name("threads"), "threads", std::nullopt,
                [use](const Figures& f) { return static_cast<double>((f.*use).threads); });
  }
}

// How much of the peer's figure ours is.
std::optional<double> Ratio(const Row& row) {
  if (!row.peer || *row.peer <= 0) return std::nullopt;
  return row.value / *row.peer;
}

std::string Number(double value, const std::string& unit) {
  const bool fraction = unit.empty() || unit == "ms" || unit == "MB";
  return absl::StrCat(absl::StrFormat("%.*f", fraction ? 2 : 0, value), unit.empty() ? "" : " ",
                      unit);
}

const char* Verdict(const Row& row) {
  if (!row.goal) return "";
  return row.missed() ? "MISSED" : "ok";
}

}  // namespace

bool Report::missed() const {
  return std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.missed(); });
}

Report MakeReport(int devices, const Figures& figures, const std::optional<Figures>& peer) {
  constexpr double kStartMs = 100;
  constexpr double kChangeMs = 20;
  constexpr double kRestartMs = 100;
  constexpr double kIdleMs = 10;
  constexpr double kExitMs = 1000;

  ReportBuilder<Figures> builder(absl::StrCat(devices, " devices"), figures, peer);
  builder.AddTimes("start to Register", std::nullopt, &Figures::start_to_register);
  builder.AddTimes("start to first list", kStartMs, &Figures::start_to_list);
  builder.AddShare("start to first list, p50", 1.0,
                   [](const Figures& f) { return Milliseconds(f.start_to_list.Percentile(0.5)); });
  AddCalls(builder);
  builder.Add(absl::StrCat("Allocate, ", figures.callers, " callers at a time"), "calls/s",
              std::nullopt, [](const Figures& f) { return f.allocates_per_second; });
  builder.AddTimes("Allocate after a rest", std::nullopt, &Figures::allocate_after_rest);
  builder.AddTimes("device gone to list", kChangeMs, &Figures::device_gone);
  builder.AddTimes("device back to list", kChangeMs, &Figures::device_back);
  builder.AddTimes("kubelet.sock back to Register (streams closed)", kRestartMs,
                   &Figures::kubelet_back_streams_closed);
  builder.AddTimes("kubelet.sock back to Register (streams open)", kRestartMs,
                   &Figures::kubelet_back_streams_open);
  AddUse(builder, devices);
  builder.Add(absl::StrCat("CPU in ", figures.idle.count(), " idle seconds"), "ms", kIdleMs,
              [](const Figures& f) { return Milliseconds(f.idle_cpu); });
  builder.AddTimes("SIGTERM to exit", kExitMs, &Figures::exit);
  return builder.Take();
}

Report MakeReport(const ResourcesFigures& figures) {
  constexpr double kRestartMs = 500;
  ReportBuilder<ResourcesFigures> builder(
      absl::StrCat("an agent with ", figures.resources, " resources"), figures, std::nullopt);
  builder.AddTimes("start to the last first list", std::nullopt, &ResourcesFigures::start_to_lists);
  builder.AddTimes("kubelet.sock back to the last Register", kRestartMs,
                   &ResourcesFigures::kubelet_back_registered);
  builder.AddTimes("kubelet.sock back to the last list", std::nullopt,
                   &ResourcesFigures::kubelet_back_listed);
  builder.Add("private memory of all processes (RssAnon)", "MB", std::nullopt,
              [](const ResourcesFigures& f) {
                return static_cast<double>(f.after_work.private_kib) / kKibPerMb;
              });
  builder.Add("threads of all processes", "threads", std::nullopt,
              [](const ResourcesFigures& f) { return static_cast<double>(f.after_work.threads); });
  builder.Add(absl::StrCat("CPU of all processes in ", figures.idle.count(), " idle seconds"), "ms",
              std::nullopt, [](const ResourcesFigures& f) { return Milliseconds(f.idle_cpu); });
  builder.AddTimes("SIGTERM to the agent's exit", std::nullopt, &ResourcesFigures::exit);
  return builder.Take();
}

std::string ToText(const Report& report) {
  constexpr char kFormat[] = "  %-52s %12s %12s %7s %12s %11s";
  std::vector<std::string> lines = {
      report.title,
      absl::StrFormat(kFormat, "", "measured", "at most", "", "peer", "of peer's"),
  };
  for (const Row& row : report.rows) {
    lines.push_back(absl::StrFormat(kFormat, row.what, Number(row.value, row.unit),
                                    row.goal ? Number(*row.goal, row.unit) : "", Verdict(row),
                                    row.peer ? Number(*row.peer, row.unit) : "",
                                    Ratio(row) ? Number(*Ratio(row), "") : ""));
  }
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  return text;
}

nlohmann::json ToJson(const Report& report) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : report.rows) {
    nlohmann::json entry = {{"what", row.what}, {"unit", row.unit}, {"value", row.value}};
    if (row.goal) entry["goal"] = *row.goal;
    if (row.goal) entry["met"] = !row.missed();
    if (row.peer) entry["peer"] = *row.peer;
    if (const std::optional<double> ratio = Ratio(row)) entry["ratio"] = *ratio;
    rows.push_back(std::move(entry));
  }
  return {{"title", report.title}, {"rows", std::move(rows)}};
}

}  // namespace nodedevice::bench
