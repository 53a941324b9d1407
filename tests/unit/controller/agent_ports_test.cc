#include "controller/agent_ports.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::Pair;

json DaemonSet(const std::string& config, const std::string& port) {
  return {{"metadata",
           {{"labels", {{"nodedevices.io/config", config}}},
            {"annotations", {{"nodedevices.io/port", port}}}}}};
}

TEST(AgentPortsTest, NewOnesGetTheFirstThatAreFree) {
  EXPECT_THAT(AgentPorts({"b", "a"}, {}), ElementsAre(Pair("a", 9808), Pair("b", 9807)));
}

TEST(AgentPortsTest, OldOnesKeepTheirs) {
  EXPECT_THAT(AgentPorts({"a", "b"}, {DaemonSet("b", "9807")}),
              ElementsAre(Pair("a", 9808), Pair("b", 9807)));
}

// Its agents may listen a moment longer.
TEST(AgentPortsTest, ThatOfAConfigurationThatIsGoneIsNotFree) {
  EXPECT_THAT(AgentPorts({"a"}, {DaemonSet("gone", "9807")}), ElementsAre(Pair("a", 9808)));
}

TEST(AgentPortsTest, WhatWasEditedByHandIsNotBelieved) {
  EXPECT_THAT(AgentPorts({"a", "b", "c", "d"}, {DaemonSet("a", "22"), DaemonSet("b", "x"),
                                                DaemonSet("c", "9809"), DaemonSet("d", "9809")}),
              ElementsAre(Pair("a", 9807), Pair("b", 9808), Pair("c", 9809), Pair("d", 9810)));
}

}  // namespace
}  // namespace nodedevice
