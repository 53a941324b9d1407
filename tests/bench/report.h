#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/bench/measure.h"
#include "tests/bench/measure_resources.h"

namespace nodedevice::bench {

// One line of the report: what was measured, and, for those that have one, the goal.
struct Row {
  std::string what;
  std::string unit;
  double value = 0;
  std::optional<double> goal;  // at most this much
  std::optional<double> peer;  // the same of the peer

  bool missed() const { return goal && value > *goal; }
  bool operator==(const Row&) const = default;
};

// All that is said about one measurement.
struct Report {
  std::string title;  // "10 devices"
  std::vector<Row> rows;

  bool missed() const;
};

// The figures beside the product's goals. With a peer's figures, its column and the goals that are
// shares of the peer's are added. Pure.
Report MakeReport(int devices, const Figures& figures, const std::optional<Figures>& peer);

// The same of an agent with many resources. Pure.
Report MakeReport(const ResourcesFigures& figures);

// The same report for people and for programs. Both name the ratio of our figure to the peer's.
std::string ToText(const Report& report);
nlohmann::json ToJson(const Report& report);

}  // namespace nodedevice::bench
