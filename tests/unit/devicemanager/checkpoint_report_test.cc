#include "devicemanager/checkpoint_report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Written by a kubelet.
constexpr char kReal[] =
    R"({"Data":{"PodDeviceEntries":[{"PodUID":"bf52b2cd-b611-4e79-86b1-280b283185c3",)"
    R"("ContainerName":"check","ResourceName":"nvidia.com/gpu","DeviceIDs":{"-1":["tegra"]},)"
    R"("AllocResp":"Ch8KFk5WSURJQV9WSVNJQkxFX0RFVklDRVMSBXRlZ3Jh"}],)"
    R"("RegisteredDevices":{"nvidia.com/gpu":["tegra"]}},"Checksum":3660592824})";

std::string Error(std::string_view text) {
  return std::string(ReadForPeople(text).status().message());
}

Checkpoint Held(const std::vector<std::string>& pods, const std::optional<std::string>& response) {
  Checkpoint checkpoint;
  for (const std::string& pod : pods) {
    checkpoint.pod_devices.Insert(pod, "main", "example.com/a",
                                  {.by_node = {{0, {"x"}}, {1, {"x", "y"}}}, .response = response});
  }
  return checkpoint;
}

TEST(CheckpointReportTest, SaysWhoHoldsWhatInARealOne) {
  const auto checkpoint = ReadForPeople(kReal);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(CheckpointText(*checkpoint),
            "pod bf52b2cd-b611-4e79-86b1-280b283185c3 container check holds of nvidia.com/gpu: "
            "tegra\n"
            "resource nvidia.com/gpu: 1 healthy when it was written: tegra\n");
  const auto json = CheckpointJson(*checkpoint);
  EXPECT_EQ(json["entries"][0]["answer"]["envs"].dump(), R"({"NVIDIA_VISIBLE_DEVICES":"tegra"})");
  EXPECT_EQ(json["entries"][0]["devices"].dump(), R"({"-1":["tegra"]})");
  EXPECT_EQ(json["registered"].dump(), R"({"nvidia.com/gpu":["tegra"]})");
  EXPECT_EQ(json["problems"].dump(), "[]");
}

TEST(CheckpointReportTest, AnEmptyOneSaysSo) {
  EXPECT_EQ(CheckpointText({}), "no pod holds a device\n");
}

TEST(CheckpointReportTest, NumaNodesAreNamed) {
  EXPECT_EQ(CheckpointText(Held({"p"}, "")),
            "pod p container main holds of example.com/a: x on NUMA node 0, x y on NUMA node 1\n");
}

TEST(CheckpointReportTest, SaysWhereATextIsBroken) {
  EXPECT_EQ(Error(""), "it is empty; a kubelet starts without it and has forgotten who holds what");
  const std::string_view real = kReal;
  EXPECT_THAT(Error(real.substr(0, 100)), HasSubstr("it ends in the middle, after 100 bytes"));
  std::string flipped(real);
  flipped[0] = '[';
  EXPECT_THAT(Error(flipped), HasSubstr("not JSON any more at byte 8 of "));
  EXPECT_THAT(Error("{\"Checksum\": 1e9999}"), HasSubstr("not JSON; a kubelet"));
  EXPECT_THAT(Error("[]"), HasSubstr("not a JSON object; a kubelet starts without it"));
  std::string other(real);
  other.replace(other.find("\"check\""), 7, "\"chick\"");
  EXPECT_THAT(Error(other), HasSubstr("Checksum: the file says 3660592824, its content gives "));
}

TEST(CheckpointReportTest, EveryTruncationIsSaidToEndInTheMiddle) {
  const std::string_view real = kReal;
  for (std::size_t size = 1; size < real.size(); ++size) {
    EXPECT_THAT(Error(real.substr(0, size)), HasSubstr("it ends in the middle")) << size;
  }
}

TEST(CheckpointReportTest, ADeviceOfTwoPodsIsAProblem) {
  EXPECT_THAT(ProblemsOf(Held({"p"}, "")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Held({"p", "q"}, "")),
              ElementsAre("example.com/a x is held by several pods: p, q",
                          "example.com/a y is held by several pods: p, q"));
  EXPECT_THAT(CheckpointText(Held({"p", "q"}, "")), HasSubstr("problem: example.com/a x is held"));
}

TEST(CheckpointReportTest, AnInitContainersDevicesAreSharedWithItsPodOnly) {
  Checkpoint checkpoint = Held({"p"}, "");
  checkpoint.pod_devices.Insert("p", "init", "example.com/a",
                                {.by_node = {{0, {"x"}}}, .response = ""});
  EXPECT_THAT(ProblemsOf(checkpoint), IsEmpty());
}

TEST(CheckpointReportTest, AnAnswerThatCannotBeReadIsAProblem) {
  for (const std::optional<std::string>& response :
       {std::optional<std::string>(), std::optional<std::string>("\xff\xff")}) {
    EXPECT_THAT(ProblemsOf(Held({"p"}, response)),
                ElementsAre(HasSubstr("pod p container main: the answer of the plugin of "
                                      "example.com/a cannot be read")));
    EXPECT_TRUE(CheckpointJson(Held({"p"}, response))["entries"][0]["answer"].is_null());
  }
}

}  // namespace
}  // namespace nodedevice::devicemanager
