#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

TEST(ListRulesTest, TheFirstListComes) {
  Observation seen = Good();
  seen.streams.push_back({.first_list_after = std::nullopt, .watched = seconds(21)});
  ExpectOnly("list/arrives", seen, "example.com/thing sent no list in 21.00 s");
}

TEST(ListRulesTest, AStreamThatWasNotGivenTheTimeSaysNothing) {
  Observation seen = Good();
  seen.streams.push_back({.first_list_after = std::nullopt, .watched = seconds(19)});
  EXPECT_EQ(JudgedBy("list/arrives", seen).verdict, Verdict::kPass);
  seen.streams = {
      {.stage = Stage::kRestart, .first_list_after = std::nullopt, .watched = seconds(60)}};
  EXPECT_EQ(JudgedBy("list/arrives", seen).verdict, Verdict::kNotApplicable);
}

TEST(ListRulesTest, AnEmptyListIsAList) {
  Observation seen;
  seen.streams = {{.lists = {{}}}};
  EXPECT_EQ(JudgedBy("list/arrives", seen).verdict, Verdict::kPass);
  EXPECT_EQ(JudgedBy("list/arrives", seen).seen, "example.com/thing: 0 devices after 0.0 ms");
}

TEST(ListRulesTest, IdsAreUnique) {
  Observation seen = Good();
  seen.streams[0].lists[0].push_back({.id = "a", .health = "Unhealthy"});
  ExpectOnly("list/unique-ids", seen, "lists 'a' more than once");
}

TEST(ListRulesTest, IdsHave1To63Bytes) {
  Observation seen = Good();
  seen.streams[0].lists[0].push_back({.id = std::string(63, 'x')});
  EXPECT_EQ(JudgedBy("list/id-length", seen).seen, "at most 63 bytes");
  seen.streams[0].lists[0].push_back({.id = std::string(64, 'x')});
  ExpectOnly("list/id-length", seen, "an id of 64 bytes");
  seen = Good();
  seen.streams[0].lists[0].push_back({.id = ""});
  ExpectOnly("list/id-length", seen, "an id of 0 bytes");
}

TEST(ListRulesTest, HealthIsOneOfTwoWords) {
  for (const char* health : {"healthy", "", "HEALTHY", "OK"}) {
    Observation seen = Good();
    seen.streams[1].lists[0][0].health = health;
    ExpectOnly("list/health-strings", seen, "lists 'd' as '" + std::string(health) + "'");
  }
}

TEST(ListRulesTest, NumaNodesAreNumbersFrom0Up) {
  Observation seen = Good();
  seen.streams[0].lists[0][0].numa_nodes = {-1};
  ExpectOnly("list/numa-nodes", seen, "puts 'a' on NUMA node -1");
  seen.streams[0].lists[0][0].numa_nodes = {1, 1};
  ExpectOnly("list/numa-nodes", seen, "names NUMA node 1 twice for 'a'");
  for (ListedDevice& device : seen.streams[0].lists[0]) device.numa_nodes.clear();
  EXPECT_EQ(JudgedBy("list/numa-nodes", seen).verdict, Verdict::kNotApplicable);
}

TEST(ListRulesTest, IdsAreUniqueOnTheNode) {
  Observation seen = Good();
  seen.streams[1].lists[0][0].id = "a";
  ExpectOnly("list/ids-unique-on-node", seen,
             "'a' is a device of example.com/other and of example.com/thing");
}

TEST(ListRulesTest, OnlyChangesAreSent) {
  Observation seen = Good();
  const DeviceList list = seen.streams[0].lists[0];
  DeviceList reordered(list.rbegin(), list.rend());
  DeviceList changed = list;
  changed[0].health = "Unhealthy";
  seen.streams[0].lists = {list, changed, list, changed, changed};
  EXPECT_EQ(JudgedBy("list/only-changes", seen).verdict, Verdict::kPass) << "one is forgiven";
  seen.streams[0].lists = {list, reordered, list};
  ExpectOnly("list/only-changes", seen, "sent an unchanged list 2 times in 20.00 s");
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
