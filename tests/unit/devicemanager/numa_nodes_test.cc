#include "devicemanager/numa_nodes.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NumaNodesTest, AreReadFromSysfsInTheOrderOfTheirNumbers) {
  const testing::TempDir dir;
  for (const char* node : {"node10", "node0", "node2"}) {
    dir.Write(std::string("sys/devices/system/node/") + node + "/cpulist", "0\n");
  }
  dir.Write("sys/devices/system/node/online", "0,2,10\n");
  dir.Write("sys/devices/system/node/nodes", "not one");
  dir.Write("sys/devices/system/node/node", "not one");
  EXPECT_THAT(*ReadNumaNodes(HostRoot(dir.path())), ElementsAre(0, 2, 10));
}

TEST(NumaNodesTest, AMachineThatDoesNotTellHasOne) {
  const testing::TempDir dir;
  EXPECT_THAT(*ReadNumaNodes(HostRoot(dir.path())), ElementsAre(0));
}

TEST(NumaNodesTest, ANumberThatNoKubeletCanHandleIsAnError) {
  const testing::TempDir dir;
  dir.Write("sys/devices/system/node/node64/cpulist", "0\n");
  EXPECT_THAT(std::string(ReadNumaNodes(HostRoot(dir.path())).status().message()),
              HasSubstr("'64' is not the number of a NUMA node, 0 to 63"));
}

TEST(NumaNodesTest, AMadeUpMachineIsAListOfNumbersAndRanges) {
  EXPECT_THAT(*ParseNumaNodes("0"), ElementsAre(0));
  EXPECT_THAT(*ParseNumaNodes("1,0"), ElementsAre(0, 1));
  EXPECT_THAT(*ParseNumaNodes("0-2,7,1"), ElementsAre(0, 1, 2, 7));
}

TEST(NumaNodesTest, WhatIsNoListIsRefused) {
  for (const char* list : {"", ",", "0,", "x", "-1", "0-", "-", "+1", " 1", "64", "0-64", "0x1",
                           "99999999999999999999"}) {
    EXPECT_FALSE(ParseNumaNodes(list).ok()) << list;
  }
  EXPECT_EQ(ParseNumaNodes("3-1").status().message(), "'3-1' ends before it begins");
}

}  // namespace
}  // namespace nodedevice::devicemanager
