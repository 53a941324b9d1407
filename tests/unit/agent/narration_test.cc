#include "agent/narration.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/sample_snapshot.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Words(const Snapshot& before, const Snapshot& after) {
  std::vector<std::string> words;
  for (const Narration& line : Narrate(before, after)) {
    words.push_back((line.level == Narration::Level::kWarning ? "! " : "") + line.text);
  }
  return words;
}

TEST(NarrationTest, IsSilentWhenOnlyCountersChange) {
  Snapshot after = HealthyNode();
  after.plugins[0].resources[0].list_updates = 99;
  after.looked_at += std::chrono::seconds(5);
  EXPECT_THAT(Words(HealthyNode(), after), IsEmpty());
}

TEST(NarrationTest, TellsOfADeviceManagerThatGoesComesAndIsReplaced) {
  Snapshot down = HealthyNode();
  down.device_manager.up = false;
  down.device_manager.since = kNow;
  down.device_manager.problem = "Connection refused";
  EXPECT_THAT(Words(HealthyNode(), down),
              ElementsAre("! the Device Manager is down: Connection refused; plugins are kept and "
                          "register again when it is back"));
  EXPECT_THAT(Words(down, HealthyNode()),
              ElementsAre("the Device Manager answers on /kubelet/device-plugins/kubelet.sock"));
  Snapshot replaced = HealthyNode();
  replaced.device_manager.since = kNow;
  EXPECT_THAT(Words(HealthyNode(), replaced),
              ElementsAre("the Device Manager was replaced; every plugin must register again"));
}

TEST(NarrationTest, TellsOnceThatTheKubeletDoesNotSayWhatItAccepts) {
  Snapshot silent = HealthyNode();
  silent.kubelet = {.fresh = false, .error = "Connection refused", .resources = {}, .holders = {}};
  EXPECT_THAT(Words(HealthyNode(), silent),
              ElementsAre("! the kubelet does not say which devices it accepts and which pods hold "
                          "them: Connection refused; that is tried again by itself"));
  EXPECT_THAT(Words(silent, silent), IsEmpty());
  EXPECT_THAT(Words(silent, HealthyNode()),
              ElementsAre("the kubelet says which devices it accepts and which pods hold them"));
  Snapshot not_asked = HealthyNode();
  not_asked.kubelet = {};
  EXPECT_THAT(Words(not_asked, HealthyNode()), IsEmpty());
}

TEST(NarrationTest, TellsOnceWhatTheHostLacks) {
  Snapshot lacking = HealthyNode();
  lacking.preparation = {.asked = true, .lacking = {"no argument a=b", "no module c"}};
  Snapshot prepared = HealthyNode();
  prepared.preparation.asked = true;
  EXPECT_THAT(Words(HealthyNode(), lacking),
              ElementsAre("! the host is not as spec.nodePreparation asks: no argument a=b; no "
                          "module c"));
  EXPECT_THAT(Words(lacking, lacking), IsEmpty());
  EXPECT_THAT(Words(lacking, prepared), ElementsAre("the host is as spec.nodePreparation asks"));
  EXPECT_THAT(Words(lacking, HealthyNode()), IsEmpty()) << "nobody asks any more";
}

TEST(NarrationTest, TellsEachConflictOnceAndWhenThereIsNoneAnyMore) {
  Snapshot one = HealthyNode();
  one.conflicts = {.devices = {"/dev/x twice"}, .containers = {}};
  Snapshot two = HealthyNode();
  two.conflicts = {.devices = {"/dev/x twice"}, .containers = {"FOO differs"}};
  EXPECT_THAT(Words(HealthyNode(), one), ElementsAre("! entries in conflict: /dev/x twice"));
  EXPECT_THAT(Words(one, one), IsEmpty());
  EXPECT_THAT(Words(one, two), ElementsAre("! entries in conflict: FOO differs"));
  EXPECT_THAT(Words(two, one), IsEmpty());
  EXPECT_THAT(Words(two, HealthyNode()),
              ElementsAre("no entry is in conflict with another one any more"));
}

TEST(NarrationTest, TellsOnceWhatTheApiSaysOfAMissingDeviceManager) {
  Snapshot down = HealthyNode();
  down.device_manager.up = false;
  down.device_manager.since = kNow;
  Snapshot explained = down;
  explained.device_manager.explanation = {"node w7 is being updated", "the pool is paused"};
  EXPECT_THAT(Words(down, explained),
              ElementsAre("! what the API says of the missing Device Manager: node w7 is being "
                          "updated; the pool is paused"));
  EXPECT_THAT(Words(explained, explained), IsEmpty());
  EXPECT_THAT(Words(explained, down), IsEmpty());
}

TEST(NarrationTest, TellsOfAConfigurationThatWasAcceptedOrNot) {
  Snapshot wrong = HealthyNode();
  wrong.config.error = "spec.plugins: required";
  EXPECT_THAT(Words(HealthyNode(), wrong),
              ElementsAre("! the last good configuration stays in force: spec.plugins: required"));
  EXPECT_THAT(Words(wrong, wrong), IsEmpty());
  EXPECT_THAT(Words(wrong, HealthyNode()),
              ElementsAre("configuration /etc/plugins.yaml accepted, generation 4"));
}

TEST(NarrationTest, TellsOfAnApiServerThatIsAwayAndOfItsReturn) {
  Snapshot well = HealthyNode();
  well.config.source = "DevicePluginConfig rig";
  Snapshot stale = well;
  stale.config.stale = "GET /x: connection refused";
  EXPECT_THAT(Words(well, stale),
              ElementsAre("! the API server cannot be asked for DevicePluginConfig rig: GET /x: "
                          "connection refused; the last configuration stays in force"));
  EXPECT_THAT(Words(stale, stale), IsEmpty());
  EXPECT_THAT(Words(stale, well),
              ElementsAre("the API server answers, following DevicePluginConfig rig"));
}

TEST(NarrationTest, TellsOfAnApiServerThatIsAwayFromTheStart) {
  Snapshot asked = HealthyNode();
  asked.config = {.source = "DevicePluginConfig rig", .stale = "has not answered yet"};
  // That nothing has been asked yet is no news.
  Snapshot nothing = HealthyNode();
  nothing.config = {};
  EXPECT_THAT(Words(nothing, asked), IsEmpty());
  Snapshot refused = asked;
  refused.config.stale = "connection refused";
  EXPECT_THAT(Words(asked, refused),
              ElementsAre("! the API server cannot be asked for DevicePluginConfig rig: connection "
                          "refused; no configuration yet, waiting"));
}

TEST(NarrationTest, TellsOfACrashAndWhatComesNext) {
  Snapshot after = HealthyNode();
  PluginStatus& plugin = after.plugins[0];
  plugin.phase = PluginPhase::kBackingOff;
  plugin.since = kNow;
  plugin.deadline = kNow + std::chrono::seconds(4);
  plugin.failures = 4;
  EXPECT_THAT(Words(HealthyNode(), after),
              ElementsAre("! plugin kvm: killed by signal 9 (Killed); failures in a row: 4; starts "
                          "again in 4 s"));
}

TEST(NarrationTest, TellsOfPluginsThatComeAndGo) {
  Snapshot without = HealthyNode();
  without.plugins.pop_back();
  EXPECT_THAT(Words(HealthyNode(), without), ElementsAre("plugin vendor: ended"));
  EXPECT_THAT(Words(without, HealthyNode()), ElementsAre("plugin vendor: running as process 4712"));
}

}  // namespace
}  // namespace nodedevice::testing
