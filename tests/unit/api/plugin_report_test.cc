#include "lib/api/plugin_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "nlohmann/json.hpp"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

PluginReport FullReport() {
  RpcHistogram histogram;
  histogram.buckets = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  histogram.count = 11;
  histogram.sum = 0.25;
  ResourceReport resource;
  resource.resource = "nodedevices.io/serial";
  resource.phase = RegistrationPhase::kStreaming;
  resource.error = "the last attempt failed";
  resource.registrations_ok = 2;
  resource.registrations_failed = 3;
  resource.list_updates = 4;
  resource.healthy = 5;
  resource.unhealthy = 6;
  resource.devices = {{"ttyUSB1", false, "gone", "/dev/ttyUSB1", {}},
                      {"ttyUSB0", true, "", "/dev/ttyUSB0", {0, 1}}};
  resource.notes = {"/dev/kvm does not exist"};
  resource.rpc = {{"Allocate", histogram}};
  resource.figures = {.number = 7,
                      .valid = std::chrono::seconds(90),
                      .devices = {{.id = "ttyUSB0",
                                   .duty_cycle_percent = 40,
                                   .memory_total_bytes = 80'000'000'000,
                                   .memory_used_bytes = 0},
                                  {.id = "ttyUSB1", .duty_cycle_percent = 0}}};
  ResourceReport empty;
  empty.resource = "example.com/empty";
  return {{resource, empty}};
}

PluginReport Parse(std::string_view line) {
  const absl::StatusOr<PluginReport> report = ParseReportLine(line);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : PluginReport();
}

std::string ErrorOf(const json& line) {
  const absl::StatusOr<PluginReport> report = ParseReportLine(line.dump());
  EXPECT_FALSE(report.ok()) << line;
  return std::string(report.status().message());
}

TEST(PluginReportTest, IsReadAsItWasWritten) {
  EXPECT_EQ(Parse(ToLine(FullReport())), FullReport());
  EXPECT_EQ(Parse(ToLine({})), PluginReport());
}

TEST(PluginReportTest, IsOneLine) {
  PluginReport report = FullReport();
  report.resources[0].error = "two\nlines";
  EXPECT_EQ(ToLine(report).find('\n'), std::string::npos);
  EXPECT_EQ(Parse(ToLine(report)).resources[0].error, "two lines");
}

TEST(PluginReportTest, EveryPhaseHasItsWord) {
  for (const RegistrationPhase phase :
       {RegistrationPhase::kHeld, RegistrationPhase::kIdle, RegistrationPhase::kStarting,
        RegistrationPhase::kRegistering, RegistrationPhase::kRegistered,
        RegistrationPhase::kStreaming, RegistrationPhase::kWaiting,
        RegistrationPhase::kWithdrawing}) {
    PluginReport report = FullReport();
    report.resources[0].phase = phase;
    EXPECT_EQ(Parse(ToLine(report)).resources[0].phase, phase) << ToString(phase);
  }
  EXPECT_EQ(ToString(RegistrationPhase::kWithdrawing), "withdrawing");
}

TEST(PluginReportTest, OddBytesAndNumbersBecomeSomethingReadable) {
  PluginReport report = FullReport();
  report.resources[0].error = "bad \xFF byte \xC3";
  report.resources[0].devices[0].reason = "gr\xC3\xBC\xC3\x9F";
  report.resources[0].rpc["Allocate"].sum = std::numeric_limits<double>::quiet_NaN();
  report.resources[0].healthy = std::numeric_limits<std::uint64_t>::max();
  const PluginReport read = Parse(ToLine(report));
  EXPECT_EQ(read.resources[0].error, "bad ? byte ?");
  EXPECT_EQ(read.resources[0].devices[0].reason, "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(read.resources[0].rpc.at("Allocate").sum, 0);
  EXPECT_EQ(read.resources[0].healthy, std::uint64_t{std::numeric_limits<std::int64_t>::max()});
}

TEST(PluginReportTest, LongTextsAreCut) {
  PluginReport report = FullReport();
  report.resources[0].error = std::string(1023, 'x') + "\xC3\xBC";
  EXPECT_EQ(Parse(ToLine(report)).resources[0].error, std::string(1023, 'x'));
}

TEST(PluginReportTest, ManyDevicesAreCutAtTheLimit) {
  PluginReport report = FullReport();
  report.resources[0].devices.assign(kMaxReportedDevices + 10, {"x", true, "", "", {}});
  report.resources[0].devices[0].healthy = false;
  const PluginReport read = Parse(ToLine(report));
  EXPECT_EQ(read.resources[0].devices.size(), kMaxReportedDevices);
  EXPECT_FALSE(read.resources[0].devices[0].healthy);
}

TEST(PluginReportTest, DevicesAreDroppedFromTheEndUntilTheLineFits) {
  PluginReport report = FullReport();
  const std::string text(1024, 'x');
  report.resources[0].devices.clear();
  for (std::size_t i = 0; i < kMaxReportedDevices; ++i) {
    report.resources[0].devices.push_back({std::to_string(i), false, text, text, {}});
  }
  for (int i = 0; i < 7; ++i) report.resources.push_back(report.resources[0]);
  const std::string line = ToLine(report);
  EXPECT_LE(line.size(), kMaxReportLine);
  const PluginReport read = Parse(line);
  ASSERT_EQ(read.resources.size(), report.resources.size());
  EXPECT_GT(read.resources[0].devices.size(), 0u);
  EXPECT_LT(read.resources[0].devices.size(), kMaxReportedDevices);
  EXPECT_EQ(read.resources[0].devices[0].id, "0");
  EXPECT_EQ(read.resources[0].unhealthy, 6u) << "the counts stay complete";
}

TEST(PluginReportTest, TheLargestReportStillFits) {
  const std::string text(5000, '"');  // each needs an escape
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  RpcHistogram histogram;
  histogram.buckets.fill(kMax);
  histogram.count = kMax;
  histogram.sum = std::numeric_limits<double>::max();
  ResourceReport resource;
  resource.resource = text;
  resource.error = text;
  resource.devices.assign(3, {text, false, text, text, std::vector<int>(1000, 1 << 30)});
  resource.notes.assign(1000, text);
  resource.figures = {.number = kMax, .valid = std::chrono::seconds(1), .devices = {}};
  resource.figures.devices.assign(3, {text, kMax, kMax, kMax});
  for (int i = 0; i < 100; ++i) resource.rpc[std::to_string(i) + text] = histogram;
  const std::string line = ToLine(PluginReport{std::vector<ResourceReport>(100, resource)});
  EXPECT_LE(line.size(), kMaxReportLine);
  EXPECT_EQ(Parse(line).resources.size(), 64u);
}

TEST(PluginReportTest, WithoutASampleNothingIsSaidOfFigures) {
  PluginReport report = FullReport();
  report.resources[0].figures.number = 0;
  EXPECT_EQ(ToLine(report).find("figures"), std::string::npos);
  EXPECT_EQ(Parse(ToLine(report)).resources[0].figures, FiguresSample());
}

TEST(PluginReportTest, FiguresStayWithinTheirBounds) {
  PluginReport report = FullReport();
  FiguresSample& figures = report.resources[0].figures;
  figures.valid = std::chrono::hours(48);
  figures.devices.assign(kMaxReportedDevices + 1, {.id = "x", .duty_cycle_percent = 101});
  const FiguresSample read = Parse(ToLine(report)).resources[0].figures;
  EXPECT_EQ(read.valid, std::chrono::hours(24));
  ASSERT_EQ(read.devices.size(), kMaxReportedDevices);
  EXPECT_EQ(read.devices[0], (DeviceFigures{.id = "x", .duty_cycle_percent = 100}));
}

TEST(PluginReportTest, UnknownKeysAreOfANewerPlugin) {
  json line = json::parse(ToLine(FullReport()));
  line["new"] = 1;
  line["resources"][0]["new"] = 1;
  line["resources"][0]["devices"][0]["new"] = 1;
  line["resources"][0]["rpc"]["Allocate"]["new"] = 1;
  EXPECT_EQ(Parse(line.dump()), FullReport());
}

TEST(PluginReportTest, WhatIsNoReportIsAnError) {
  EXPECT_EQ(ParseReportLine("").status().message(), "a report that is no JSON: ''");
  EXPECT_EQ(ParseReportLine("{\"resources\": [").status().message(),
            "a report that is no JSON: '{\\\"resources\\\": ['");
  EXPECT_EQ(ErrorOf(json::array()), "a wrong report: must be an object, is a list");
  EXPECT_EQ(ErrorOf(json::object()), "a wrong report: resources: is required");
  EXPECT_FALSE(ParseReportLine(std::string(100'000, '[')).ok());
  EXPECT_THAT(std::string(ParseReportLine(std::string(kMaxReportLine + 1, ' ')).status().message()),
              HasSubstr("a report of 1048577 bytes; at most 1048576 are read"));
}

TEST(PluginReportTest, EveryWrongValueIsAnError) {
  struct Rule {
    std::string pointer;
    json value;
    std::string error;
  };
  const std::string r = "/resources/0";
  const Rule rules[] = {
      {"/resources", "x", "resources: must be a list, is a string"},
      {"/resources", std::vector<json>(65), "resources: has 65 entries, more than 64"},
      {r, 1, "resources[0]: must be an object, is a number"},
      {r + "/resource", nullptr, "resources[0].resource: is required"},
      {r + "/phase", nullptr, "resources[0].phase: is required"},
      {r + "/phase", "asleep", "resources[0].phase: is unknown: 'asleep'"},
      {r + "/error", std::string(1025, 'x'), "resources[0].error: is longer than 1024 bytes"},
      {r + "/healthy", -1,
       "resources[0].healthy: must be an integer from 0 to 9223372036854775807, is -1"},
      {r + "/listUpdates", "1", "resources[0].listUpdates: must be an integer, is a string"},
      {r + "/devices", std::vector<json>(257),
       "resources[0].devices: has 257 entries, more than 256"},
      {r + "/devices/0/id", nullptr, "resources[0].devices[0].id: is required"},
      {r + "/devices/0/healthy", 1,
       "resources[0].devices[0].healthy: must be true or false, is a number"},
      {r + "/devices/0/numaNodes", 1,
       "resources[0].devices[0].numaNodes: must be a list, is a number"},
      {r + "/notes/0", 1, "resources[0].notes[0]: must be a string, is a number"},
      {r + "/rpc", 1, "resources[0].rpc: must be an object, is a number"},
      {r + "/rpc/Allocate/buckets", nullptr, "resources[0].rpc.Allocate.buckets: is required"},
      {r + "/rpc/Allocate/buckets", json::array({1}),
       "resources[0].rpc.Allocate.buckets: must have 10 numbers"},
      {r + "/rpc/Allocate/sum", "x",
       "resources[0].rpc.Allocate.sum: must be a number, is a string"},
      {r + "/rpc/Allocate/sum", -1, "resources[0].rpc.Allocate.sum: must not be negative"},
      {r + "/rpc/Allocate/buckets/0", 5, "resources[0].rpc.Allocate: is not cumulative"},
      {r + "/rpc/Allocate/count", 1, "resources[0].rpc.Allocate: is not cumulative"},
      {r + "/figures", 1, "resources[0].figures: must be an object, is a number"},
      {r + "/figures/sample", nullptr, "resources[0].figures.sample: is required"},
      {r + "/figures/validSeconds", 0,
       "resources[0].figures.validSeconds: must be an integer from 1 to 86400, is 0"},
      {r + "/figures/devices", std::vector<json>(257),
       "resources[0].figures.devices: has 257 entries, more than 256"},
      {r + "/figures/devices/0/id", nullptr, "resources[0].figures.devices[0].id: is required"},
      {r + "/figures/devices/0/dutyCyclePercent", 101,
       "resources[0].figures.devices[0].dutyCyclePercent: must be an integer from 0 to 100, is "
       "101"},
  };
  for (const Rule& rule : rules) {
    json line = json::parse(ToLine(FullReport()));
    line[json::json_pointer(rule.pointer)] = rule.value;
    EXPECT_EQ(ErrorOf(line), "a wrong report: " + rule.error) << rule.pointer;
  }
}

}  // namespace
}  // namespace nodedevice
