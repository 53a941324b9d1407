#include "tests/soak/node.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/soak/step.h"

namespace nodedevice::soak {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NodeModelTest : public ::testing::Test {
 protected:
  void Give(const std::string& pod, const std::string& entry, const Ids& ids) {
    const Asked asked = {{"c0", {{entry, static_cast<int>(ids.size())}}}};
    ASSERT_EQ(node_.Admitted(pod, asked, {{"c0", {{entry, ids}}}}), "");
  }
  std::string Admitted(const std::string& entry, int count, const Ids& ids) {
    return node_.Admitted("pod", {{"c0", {{entry, count}}}}, {{"c0", {{entry, ids}}}});
  }

  Node node_ = Node::First(Source::kFile);
};

TEST_F(NodeModelTest, BeginsWithEveryDeviceOfWhatIsConfigured) {
  EXPECT_EQ(node_.Healthy("part"), (Ids{"part0", "part1", "part2", "part3"}));
  EXPECT_EQ(node_.Announced("tty"), node_.Healthy("tty"));
  EXPECT_THAT(node_.Announced("aux"), IsEmpty());
  EXPECT_TRUE(node_.IsFirst());
}

TEST_F(NodeModelTest, AnUnpluggedDeviceStaysAnnouncedUntilItsProcessIsAnother) {
  node_.Unplug("tty", 2);
  EXPECT_THAT(node_.Healthy("tty"), SizeIs(5));
  EXPECT_THAT(node_.Announced("tty"), SizeIs(6));
  EXPECT_FALSE(node_.IsFirst());
  node_.StartPlugin("tty");
  EXPECT_THAT(node_.Announced("tty"), SizeIs(5));
  node_.Plug("tty", 2);
  EXPECT_THAT(node_.Announced("tty"), SizeIs(6));
}

TEST_F(NodeModelTest, AStaticDeviceIsAnnouncedWithoutItsNode) {
  node_.Unplug("part", 0);
  node_.StartPlugin("part");
  EXPECT_THAT(node_.Announced("part"), SizeIs(4));
  EXPECT_THAT(node_.Healthy("part"), SizeIs(3));
}

TEST_F(NodeModelTest, ReplicasAreDevicesOfTheirOwn) {
  node_.Configure("cam", 2, 0);
  EXPECT_THAT(node_.Healthy("cam"), SizeIs(8));
  EXPECT_TRUE(node_.Healthy("cam").contains("cam3::1"));
}

TEST_F(NodeModelTest, AnotherAgentHasSeenWhatIsThereAndCountsFromNothing) {
  node_.Unplug("tty", 2);
  node_.entries.at("tty").kills = 2;
  node_.StartAgent(Source::kApi);
  EXPECT_EQ(node_.source, Source::kApi);
  EXPECT_THAT(node_.Announced("tty"), SizeIs(5));
  EXPECT_EQ(node_.entries.at("tty").kills, 0);
}

TEST_F(NodeModelTest, WhatAPodHoldsIsNotFreeEvenWithoutItsEntry) {
  Give("a", "cam", {"cam0", "cam1"});
  EXPECT_EQ(node_.Free("cam"), (Ids{"cam2", "cam3"}));
  node_.Remove("cam");
  EXPECT_EQ(node_.InUse("cam"), (Ids{"cam0", "cam1"}));
  EXPECT_THAT(node_.Free("cam"), IsEmpty());
  node_.Configure("cam", 1, 0);
  EXPECT_EQ(node_.Free("cam"), (Ids{"cam2", "cam3"}));
  EXPECT_TRUE(node_.Fits({{"c0", {{"cam", 1}}}, {"c1", {{"cam", 1}}}}));
  EXPECT_FALSE(node_.Fits({{"c0", {{"cam", 2}}}, {"c1", {{"cam", 1}}}}));
}

TEST_F(NodeModelTest, FindsFaultWithDevicesThatNoPodMayBeGiven) {
  Give("a", "cam", {"cam0"});
  node_.Unplug("cam", 1);
  EXPECT_EQ(Admitted("cam", 1, {"cam2"}), "");
  EXPECT_THAT(Admitted("cam", 2, {"cam3"}), HasSubstr("asked for 2 of cam and was given cam3"));
  EXPECT_THAT(Admitted("cam", 1, {"cam1"}), HasSubstr("of which healthy are cam0, cam2, cam3"));
  EXPECT_THAT(Admitted("cam", 1, {"cam0"}), HasSubstr("others hold some"));
  EXPECT_THAT(node_.Admitted("b", {{"c0", {{"cam", 1}}}, {"c1", {{"cam", 1}}}},
                             {{"c0", {{"cam", {"cam3"}}}}, {"c1", {{"cam", {"cam3"}}}}}),
              HasSubstr("container c1: was given cam3, of which others hold some"));
}

TEST_F(NodeModelTest, OneWhollyHealthyPodOutlivesTheKubelet) {
  Give("a", "cam", {"cam0"});
  Give("b", "tty", {"tty0"});
  Give("c", "tty", {"tty1"});
  node_.Unplug("cam", 0);
  EXPECT_EQ(node_.Survivor(), "b");
  Apply({.kind = Kind::kKillKubelet}, node_);
  EXPECT_THAT(node_.pods, SizeIs(1));
  EXPECT_TRUE(node_.pods.contains("b"));
  node_.Remove("cam");
  EXPECT_EQ(node_.Survivor(), "b");
}

TEST_F(NodeModelTest, SpellsIdsOfTheProtocol) {
  EXPECT_EQ(Spelled("tty3-a1b2c3d4e5f6"), "tty3");
  EXPECT_EQ(Spelled("tty3-a1b2c3d4e5f6::1"), "tty3::1");
  EXPECT_EQ(Spelled("part0::2"), "part0::2");
  EXPECT_EQ(Spelled("part0"), "part0");
}

TEST_F(NodeModelTest, TheBadConfigurationDiffersInOneField) {
  nlohmann::json bad = node_.BadConfig();
  EXPECT_NE(bad, node_.Config());
  bad["spec"]["plugins"][0]["resourceName"] = node_.Config()["spec"]["plugins"][0]["resourceName"];
  EXPECT_EQ(bad, node_.Config());
}

}  // namespace
}  // namespace nodedevice::soak
