#include "devicemanager/checkpoint.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::HasSubstr;

// Written by a kubelet; the checksum is the kubelet's.
constexpr char kWithPod[] =
    R"({"Data":{"PodDeviceEntries":[{"PodUID":"bf52b2cd-b611-4e79-86b1-280b283185c3",)"
    R"("ContainerName":"check","ResourceName":"nvidia.com/gpu","DeviceIDs":{"-1":["tegra"]},)"
    R"("AllocResp":"Ch8KFk5WSURJQV9WSVNJQkxFX0RFVklDRVMSBXRlZ3Jh"}],)"
    R"("RegisteredDevices":{"nvidia.com/gpu":["tegra"]}},"Checksum":3660592824})";
constexpr char kWithoutPods[] =
    R"({"Data":{"PodDeviceEntries":null,"RegisteredDevices":)"
    R"({"nvidia.com/gpu":["GPU-0650a168-e770-3ea8-8ac3-8a1d419763e0"]}},"Checksum":3952659280})";
constexpr char kEmpty[] =
    R"({"Data":{"PodDeviceEntries":null,"RegisteredDevices":{}},"Checksum":3467439661})";

class KubeletCheckpoint : public ::testing::TestWithParam<const char*> {};

TEST_P(KubeletCheckpoint, IsReadAndWrittenByteForByte) {
  const auto checkpoint = DecodeCheckpoint(GetParam());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(EncodeCheckpoint(*checkpoint), GetParam());
}

INSTANTIATE_TEST_SUITE_P(CheckpointTest, KubeletCheckpoint,
                         ::testing::Values(kWithPod, kWithoutPods, kEmpty));

TEST(CheckpointTest, HoldsWhatThePodHolds) {
  const auto checkpoint = DecodeCheckpoint(kWithPod);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const HeldDevices* held = checkpoint->pod_devices.Find("bf52b2cd-b611-4e79-86b1-280b283185c3",
                                                         "check", "nvidia.com/gpu");
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->by_node.at(kNoNumaNode), std::vector<std::string>{"tegra"});
  EXPECT_THAT(held->response.value(), HasSubstr("NVIDIA_VISIBLE_DEVICES"));
}

TEST(CheckpointTest, SurvivesTheRoundTripWithSeveralPodsNodesAndBytes) {
  Checkpoint checkpoint;
  checkpoint.pod_devices.Insert("pod1", "a", "r1",
                                {.by_node = {{-1, {"z"}}, {0, {"x", "y"}}, {1, {"y"}}},
                                 .response = std::string("\0\xff", 2)});
  checkpoint.pod_devices.Insert("pod1", "b", "r2", {.by_node = {{-1, {"w"}}}, .response = ""});
  checkpoint.pod_devices.Insert("pod2", "a", "r1",
                                {.by_node = {{-1, {"v"}}}, .response = std::nullopt});
  checkpoint.registered = {{"r1", {"x", "y", "z"}}, {"r2", {}}};
  const auto read = DecodeCheckpoint(EncodeCheckpoint(checkpoint));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, checkpoint);
}

TEST(CheckpointTest, TextThatJsonHasToEscapeIsReadAgain) {
  const std::string odd = "a\"b\\c\n\x01/\x7f\u00fc";
  Checkpoint checkpoint;
  checkpoint.pod_devices.Insert(odd, odd, odd, {.by_node = {{0, {odd}}}, .response = odd});
  checkpoint.registered = {{odd, {odd, "plain"}}};
  const std::string text = EncodeCheckpoint(checkpoint);
  const auto read = DecodeCheckpoint(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, checkpoint);
  EXPECT_EQ(text.find('\n'), std::string::npos) << "it is one line";
}

TEST(CheckpointTest, ABufferIsWrittenOver) {
  CheckpointWriter writer("something else");
  EXPECT_EQ(std::move(writer).Finish(), kEmpty);
}

TEST(CheckpointTest, AnotherChecksumIsRefused) {
  std::string text = kWithPod;
  text.replace(text.find("3660592824"), 10, "3660592825");
  EXPECT_THAT(std::string(DecodeCheckpoint(text).status().message()),
              HasSubstr("the file says 3660592825, its content gives 3660592824"));
}

TEST(CheckpointTest, ChangedContentIsRefused) {
  std::string text = kWithPod;
  text.replace(text.find("\"check\""), 7, "\"chick\"");
  EXPECT_THAT(std::string(DecodeCheckpoint(text).status().message()), HasSubstr("Checksum"));
}

TEST(CheckpointTest, GarbageIsAnErrorThatNamesThePlace) {
  const auto error = [](std::string_view text) {
    return std::string(DecodeCheckpoint(text).status().message());
  };
  EXPECT_EQ(error(""), "not JSON");
  EXPECT_EQ(error("{\"Data\":"), "not JSON");
  EXPECT_EQ(error(std::string(100'000, '[')), "not JSON");
  EXPECT_EQ(error("\xff\xfe"), "not JSON");
  EXPECT_EQ(error("[]"), "not a JSON object");
  EXPECT_EQ(error("{}"), "Data: is not an object");
  EXPECT_EQ(error(R"({"Data":{"PodDeviceEntries":7}})"), "Data.PodDeviceEntries: is not a list");
  EXPECT_EQ(error(R"({"Data":{"PodDeviceEntries":[7]}})"),
            "Data.PodDeviceEntries[0]: is not an object");
  EXPECT_EQ(error(R"({"Data":{"PodDeviceEntries":[{"PodUID":7}]}})"),
            "Data.PodDeviceEntries[0].PodUID: is not a string");
  const std::string entry =
      R"({"Data":{"PodDeviceEntries":[{"PodUID":"u","ContainerName":"c","ResourceName":"r")";
  EXPECT_EQ(error(entry + "}]}}"), "Data.PodDeviceEntries[0].DeviceIDs: is not a map by NUMA node");
  EXPECT_EQ(error(entry + R"(,"DeviceIDs":{"north":["x"]}}]}})"),
            "Data.PodDeviceEntries[0].DeviceIDs[north]: is not the number of a NUMA node");
  EXPECT_EQ(error(entry + R"(,"DeviceIDs":{"0":[7]}}]}})"),
            "Data.PodDeviceEntries[0].DeviceIDs[0]: holds something that is not a device id");
  EXPECT_EQ(error(entry + R"(,"DeviceIDs":{},"AllocResp":"%%"}]}})"),
            "Data.PodDeviceEntries[0].AllocResp: is not base64");
  EXPECT_EQ(error(R"({"Data":{"RegisteredDevices":[]}})"), "Data.RegisteredDevices: is not a map");
  EXPECT_EQ(error(R"({"Data":{"RegisteredDevices":{"r":"x"}}})"),
            "Data.RegisteredDevices[r]: is not a list of device ids");
  EXPECT_EQ(error(R"({"Data":{"RegisteredDevices":{}},"Checksum":"x"})"),
            "Checksum: is not a number");
  EXPECT_EQ(error(R"({"Data":{"RegisteredDevices":{}},"Checksum":-1})"),
            "Checksum: is not a number");
}

TEST(CheckpointTest, EveryTruncationOfARealOneIsRefused) {
  const std::string_view whole = kWithPod;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeCheckpoint(whole.substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace nodedevice::devicemanager
