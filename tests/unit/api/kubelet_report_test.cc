#include "lib/api/kubelet_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

KubeletReport FullReport() {
  KubeletReport report;
  report.resources = {{"example.com/a", {.accepted = 4, .allocated = 3, .holders = 2}},
                      {"example.com/b", {}}};
  report.holders = {{.namespace_name = "default",
                     .pod = "one",
                     .container = "main",
                     .resource = "example.com/a",
                     .count = 3,
                     .devices = {"x::0", "x::1", "y"}}};
  return report;
}

KubeletReport Parse(std::string_view line) {
  const absl::StatusOr<KubeletReport> report = ParseKubeletReportLine(line);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : KubeletReport();
}

std::string ErrorOf(const std::string& line) {
  const absl::StatusOr<KubeletReport> report = ParseKubeletReportLine(line);
  EXPECT_FALSE(report.ok()) << line;
  return std::string(report.status().message());
}

TEST(KubeletReportTest, IsReadAsItWasWritten) {
  EXPECT_EQ(Parse(ToLine(FullReport())), FullReport());
  EXPECT_EQ(Parse(ToLine(KubeletReport{})), KubeletReport());
  const KubeletReport failed = {.error = "kubelet.sock: Connection refused"};
  EXPECT_EQ(Parse(ToLine(failed)), failed);
}

TEST(KubeletReportTest, AnErrorComesAlone) {
  KubeletReport report = FullReport();
  report.error = "two\nlines";
  EXPECT_EQ(Parse(ToLine(report)), KubeletReport{.error = "two lines"});
}

TEST(KubeletReportTest, AHolderOfManyDevicesNamesSomeAndCountsAll) {
  KubeletReport report = FullReport();
  report.holders[0].count = 500;
  report.holders[0].devices.assign(500, "d");
  const KubeletReport read = Parse(ToLine(report));
  EXPECT_EQ(read.holders.at(0).count, 500u);
  EXPECT_THAT(read.holders.at(0).devices, SizeIs(kMaxHeldDevices));
}

TEST(KubeletReportTest, AFullNodeFitsTheLine) {
  KubeletReport report = FullReport();
  report.holders.assign(kMaxReportedHolders + 1, report.holders[0]);
  EXPECT_THAT(Parse(ToLine(report)).holders, SizeIs(kMaxReportedHolders));

  // Too long for a line: names of devices go first.
  for (DeviceHolder& holder : report.holders) {
    holder.devices.assign(kMaxHeldDevices, std::string(200, 'd'));
  }
  std::string line = ToLine(report);
  EXPECT_LE(line.size(), kMaxReportLine);
  KubeletReport read = Parse(line);
  ASSERT_THAT(read.holders, SizeIs(kMaxReportedHolders));
  EXPECT_THAT(read.holders[0].devices, IsEmpty());
  EXPECT_EQ(read.holders[0].count, 3u);

  // Then holders; what is counted by resource stays.
  for (DeviceHolder& holder : report.holders) holder.pod = std::string(5000, '"');
  line = ToLine(report);
  EXPECT_LE(line.size(), kMaxReportLine);
  read = Parse(line);
  EXPECT_LT(read.holders.size(), kMaxReportedHolders);
  EXPECT_EQ(read.resources, report.resources);
}

TEST(KubeletReportTest, SaysWhatIsWrongWithALine) {
  EXPECT_THAT(ErrorOf("oops"), HasSubstr("no JSON"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("resources: is required"));
  EXPECT_THAT(ErrorOf(R"({"resources":{"a/b":{"accepted":-1}}})"),
              HasSubstr("resources[\'a/b\'].accepted"));
  EXPECT_THAT(ErrorOf(R"({"resources":{},"holders":[{"pod":"x"}]})"),
              HasSubstr("holders[0].namespace: is required"));
  EXPECT_THAT(ErrorOf(std::string(kMaxReportLine + 1, ' ')), HasSubstr("at most"));
  json many = {{"resources", json::object()}, {"holders", json::array()}};
  for (std::size_t i = 0; i <= kMaxReportedHolders; ++i) many["holders"].push_back(json::object());
  EXPECT_THAT(ErrorOf(many.dump()), HasSubstr("holders"));
}

}  // namespace
}  // namespace nodedevice
