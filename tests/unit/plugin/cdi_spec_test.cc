#include "plugin/cdi_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/file.h"
#include "nlohmann/json.hpp"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CdiSpec Small() {
  CdiSpec spec{.kind = "vendor.example/seat"};
  spec.devices["a"].envs = {{"SEAT", "a"}};
  return spec;
}

TEST(CdiSpecTest, TheTextIsReadableAndInTheOrderOfTheFormat) {
  EXPECT_EQ(ToJson(Small()), R"({
  "cdiVersion": "0.3.0",
  "kind": "vendor.example/seat",
  "devices": [
    {
      "name": "a",
      "containerEdits": {
        "env": [
          "SEAT=a"
        ]
      }
    }
  ]
}
)");
  EXPECT_EQ(CdiName("vendor.example/seat", "a"), "vendor.example/seat=a");
}

TEST(CdiSpecTest, EveryEditHasItsPlace) {
  CdiSpec spec{.kind = "vendor.example/gpu"};
  spec.devices["gpu10"].nodes = {{"/dev/gpu10", "", "mrw"}};
  CdiEdits& first = spec.devices["gpu2"];
  first.nodes = {{"/dev/gpu2", "/dev/gpu", "r"}};
  first.mounts = {{"/usr/lib/libx.so", "", true}, {"/var/lib/x", "/x", false}};
  spec.common.hooks = {{"createContainer", "/usr/bin/hook", {"hook", "update"}}};
  const json text = json::parse(ToJson(spec));
  EXPECT_EQ(text["devices"], json::parse(R"([
    {"name": "gpu2", "containerEdits": {
      "deviceNodes": [{"path": "/dev/gpu", "hostPath": "/dev/gpu2", "permissions": "r"}],
      "mounts": [
        {"hostPath": "/usr/lib/libx.so", "containerPath": "/usr/lib/libx.so",
         "options": ["rbind", "rprivate", "ro"]},
        {"hostPath": "/var/lib/x", "containerPath": "/x", "options": ["rbind", "rprivate", "rw"]}]}},
    {"name": "gpu10", "containerEdits": {
      "deviceNodes": [{"path": "/dev/gpu10", "permissions": "rwm"}]}}])"));
  EXPECT_EQ(text["containerEdits"], json::parse(R"({"hooks": [
    {"hookName": "createContainer", "path": "/usr/bin/hook", "args": ["hook", "update"]}]})"));
}

std::string Version(const CdiSpec& spec) { return json::parse(ToJson(spec))["cdiVersion"]; }

TEST(CdiSpecTest, TheVersionIsTheOldestThatCanSayIt) {
  EXPECT_EQ(Version(Small()), "0.3.0");
  CdiSpec digit = Small();
  digit.devices["0"].envs = {{"SEAT", "0"}};
  EXPECT_EQ(Version(digit), "0.5.0");
  CdiSpec moved = Small();
  moved.devices["a"].nodes = {{"/dev/a", "/dev/b", "rw"}};
  EXPECT_EQ(Version(moved), "0.5.0");
  CdiSpec moved_for_all = Small();
  moved_for_all.common.nodes = {{"/dev/a", "/dev/b", "rw"}};
  EXPECT_EQ(Version(moved_for_all), "0.5.0");
  CdiSpec same = Small();
  same.devices["a"].nodes = {{"/dev/a", "/dev/a", "rw"}};
  EXPECT_EQ(Version(same), "0.3.0");
  CdiSpec dotted = Small();
  dotted.kind = "vendor.example/seat.x";
  EXPECT_EQ(Version(dotted), "0.6.0");
}

TEST(CdiSpecTest, BytesThatAreNoTextDoNotBreakTheFile) {
  CdiSpec spec = Small();
  spec.devices["a"].envs = {{"SEAT", "\xff"}};
  EXPECT_EQ(json::parse(ToJson(spec))["devices"][0]["containerEdits"]["env"][0], "SEAT=\ufffd");
}

class CdiSpecFileTest : public ::testing::Test {
 protected:
  CdiSpecFileTest() : host_(node_.path()) {}

  std::vector<std::string> Files(const std::string& folder = "var/run/cdi") const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(node_.path() / folder, error)) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  testing::TempDir node_;
  HostRoot host_;
};

constexpr char kName[] = "nodedevices.io_example.com_seat.json";

TEST_F(CdiSpecFileTest, IsThereAsLongAsItsOwner) {
  {
    CdiSpecFile file(host_, "example.com/seat");
    ASSERT_TRUE(file.Write(Small()).ok());
    EXPECT_THAT(Files(), ElementsAre(kName));
    EXPECT_EQ(*ReadFile(file.path(), 4096), ToJson(Small()));
  }
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CdiSpecFileTest, FollowsTheHostsLinkBelowItsRoot) {
  std::filesystem::create_directory_symlink("/run", node_.Under("var/run"));
  CdiSpecFile file(host_, "example.com/seat");
  ASSERT_TRUE(file.Write(Small()).ok());
  EXPECT_THAT(Files("run/cdi"), ElementsAre(kName));
}

TEST_F(CdiSpecFileTest, IsReplacedWhenItSaysSomethingElseAndWhenItIsGone) {
  CdiSpecFile file(host_, "example.com/seat");
  ASSERT_TRUE(file.Write(Small()).ok());
  const auto written = std::filesystem::last_write_time(file.path());
  ASSERT_TRUE(file.Write(Small()).ok());
  EXPECT_EQ(std::filesystem::last_write_time(file.path()), written);

  CdiSpec more = Small();
  more.devices["b"].envs = {{"SEAT", "b"}};
  ASSERT_TRUE(file.Write(more).ok());
  EXPECT_EQ(*ReadFile(file.path(), 4096), ToJson(more));

  node_.Remove("var/run/cdi");
  ASSERT_TRUE(file.Write(more).ok());
  EXPECT_EQ(*ReadFile(file.path(), 4096), ToJson(more));

  ASSERT_TRUE(file.Write({.kind = "vendor.example/seat"}).ok());
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CdiSpecFileTest, WhatAKilledPredecessorLeftIsGoneAndWhatOthersHaveStays) {
  node_.Write("var/run/cdi/" + std::string(kName), "old");
  node_.Write("var/run/cdi/" + std::string(kName) + ".a1B2c3", "half");
  node_.Write("var/run/cdi/" + std::string(kName) + ".a1B2c3d", "not ours");
  node_.Write("var/run/cdi/nodedevices.io_example.com_seat2.json", "{}");
  node_.Write("var/run/cdi/vendor.json", "{}");
  const CdiSpecFile file(host_, "example.com/seat");
  EXPECT_THAT(Files(), ElementsAre(std::string(kName) + ".a1B2c3d",
                                   "nodedevices.io_example.com_seat2.json", "vendor.json"));
}

TEST_F(CdiSpecFileTest, WhatCannotBeWrittenIsSaidWithItsPath) {
  node_.Write("var/run/cdi", "no folder");
  CdiSpecFile file(host_, "example.com/seat");
  const absl::Status status = file.Write(Small());
  EXPECT_THAT(std::string(status.message()),
              HasSubstr((node_.path() / "var/run/cdi").string() + ": Not a directory"));
}

}  // namespace
}  // namespace nodedevice
