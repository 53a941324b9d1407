#include "agent/page.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/duration_text.h"
#include "tests/unit/agent/sample_snapshot.h"

namespace nodedevice::testing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Page(const Snapshot& snapshot) { return RenderPage(snapshot, kNow); }

TEST(PageTest, ShowsDeviceManagerConfigurationPluginsAndDevices) {
  EXPECT_THAT(Page(HealthyNode()),
              AllOf(HasSubstr("<span class=\"good\">Ready</span>"),
                    HasSubstr("Device Manager: <span class=\"good\">up</span> for 1 h 30 min"),
                    HasSubstr("/etc/plugins.yaml"), HasSubstr("generation in force: 4"),
                    HasSubstr(">4711</td>"), HasSubstr(">3</td>"),
                    HasSubstr(">killed by signal 9 (Killed)</td>"),
                    HasSubstr("<td data-label=\"Device\">kvm1</td><td data-label=\"Health\">"
                              "<span class=\"bad\">Unhealthy</span></td>"
                              "<td data-label=\"Reason\">/dev/kvm1 is gone</td>"
                              "<td data-label=\"Paths\">/dev/kvm1</td><td data-label=\"NUMA\">1<"),
                    HasSubstr("sharing: 10 replicas")));
}

TEST(PageTest, ShowsWhatTheKubeletSays) {
  Snapshot snapshot = HealthyNode();
  snapshot.plugins[1].note = "the kubelet does not list it";
  EXPECT_THAT(
      Page(snapshot),
      AllOf(
          HasSubstr("10 healthy, 10 unhealthy, 10 accepted by the kubelet, 2 allocated</p>"),
          HasSubstr("<h3>vendor.example/thing</h3><p>3 accepted by the kubelet, 0 allocated</p>"),
          HasSubstr("<td data-label=\"Pod\">shop/vm-7</td><td data-label=\"Container\">compute</td>"
                    "<td data-label=\"Resource\">example.com/kvm</td>"
                    "<td data-label=\"Devices\">kvm0::0, kvm0::1</td>"),
          HasSubstr("the kubelet does not list it")));
  snapshot.kubelet.holders[0].count = 70;
  EXPECT_THAT(Page(snapshot), HasSubstr("kvm0::0, kvm0::1, ... 70 in all</td>"));
  snapshot.kubelet.holders.clear();
  EXPECT_THAT(Page(snapshot), HasSubstr("No pod holds one."));
  snapshot.kubelet = {
      .fresh = false, .error = "Connection refused", .resources = {}, .holders = {}};
  EXPECT_THAT(
      Page(snapshot),
      AllOf(HasSubstr("The kubelet does not say which pods hold devices: Connection refused"),
            HasSubstr("10 healthy, 10 unhealthy</p>"), Not(HasSubstr("accepted by"))));
}

TEST(PageTest, ShowsWhatTheHostLacks) {
  Snapshot snapshot = HealthyNode();
  snapshot.preparation = {.asked = true, .lacking = {"no argument <a>", "no module b"}};
  EXPECT_THAT(Page(snapshot), HasSubstr("<pre>no argument &lt;a&gt;\nno module b</pre>"));
  snapshot.preparation.lacking.clear();
  EXPECT_THAT(Page(snapshot), Not(HasSubstr("nodePreparation")));
}

TEST(PageTest, ShowsEntriesThatAreInEachOthersWay) {
  Snapshot snapshot = HealthyNode();
  EXPECT_THAT(Page(snapshot), Not(HasSubstr("in each other")));
  snapshot.conflicts = {.devices = {"/dev/<x> twice"}, .containers = {"FOO differs"}};
  EXPECT_THAT(Page(snapshot), HasSubstr("<pre>/dev/&lt;x&gt; twice\nFOO differs</pre>"));
}

TEST(PageTest, NeedsNoScriptAndRefreshesItself) {
  const std::string page = Page(HealthyNode());
  EXPECT_THAT(page, HasSubstr("<meta http-equiv=\"refresh\" content=\"3\">"));
  EXPECT_THAT(page, HasSubstr("name=\"viewport\""));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(PageTest, SaysWhatTheApiSaysOfAMissingDeviceManager) {
  Snapshot snapshot = HealthyNode();
  snapshot.device_manager.up = false;
  snapshot.device_manager.problem = "Connection refused";
  EXPECT_THAT(Page(snapshot), HasSubstr("<pre>Connection refused</pre>"));
  snapshot.device_manager.explanation = {"node w7 is being updated", "the pool is paused"};
  EXPECT_THAT(
      Page(snapshot),
      HasSubstr("<pre>Connection refused\nnode w7 is being updated\nthe pool is paused</pre>"));
}

TEST(PageTest, EscapesEverythingThatComesFromElsewhere) {
  const std::string evil = "<script>alert('x')</script>\"&";
  Snapshot snapshot = HealthyNode();
  snapshot.version = snapshot.config.source = snapshot.config.error = evil;
  snapshot.device_manager.up = false;
  snapshot.device_manager.socket = snapshot.device_manager.problem = evil;
  snapshot.device_manager.explanation = {evil};
  PluginStatus& plugin = snapshot.plugins[0];
  plugin.phase = PluginPhase::kBackingOff;
  plugin.failures = 2;
  plugin.name = plugin.resource_name = plugin.last_exit = plugin.held_by = plugin.note = evil;
  snapshot.kubelet.resources[evil] = {.accepted = 1, .allocated = 1};
  DeviceHolder& holder = snapshot.kubelet.holders[0];
  holder.namespace_name = holder.pod = holder.container = holder.resource = holder.devices[0] =
      evil;
  ResourceReport& resource = plugin.resources[0];
  resource.resource = resource.error = resource.notes[0] = evil;
  resource.devices[0].id = resource.devices[0].reason = resource.devices[0].paths = evil;
  const std::string page = Page(snapshot);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("alert('x')")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
}

TEST(PageTest, SaysWhatToDoAboutARejectedConfiguration) {
  Snapshot snapshot = HealthyNode();
  snapshot.config.error = "spec.plugins[0].resourceName: 'widget' has no domain";
  EXPECT_THAT(Page(snapshot), AllOf(HasSubstr("the last good one is. Correct it: it is read"),
                                    HasSubstr("spec.plugins[0].resourceName")));
  snapshot.config.accepted = false;
  EXPECT_THAT(Page(snapshot), HasSubstr("no plugin runs. Write or correct"));
}

TEST(PageTest, SaysThatTheApiServerIsAwayAndWhatThatMeans) {
  Snapshot snapshot = HealthyNode();
  EXPECT_THAT(Page(snapshot), Not(HasSubstr("API server")));
  snapshot.config.source = "DevicePluginConfig rig";
  snapshot.config.stale = "GET /x: <connection refused>";
  EXPECT_THAT(Page(snapshot), AllOf(HasSubstr("The API server cannot be asked for "
                                              "DevicePluginConfig rig; the last configuration "
                                              "stays in force."),
                                    HasSubstr("<pre>GET /x: &lt;connection refused&gt;</pre>"),
                                    HasSubstr("<span class=\"good\">Ready</span>")));
  snapshot.config.accepted = false;
  EXPECT_THAT(Page(snapshot), AllOf(HasSubstr("there is no configuration yet, so no plugin runs."),
                                    Not(HasSubstr("stays in force"))));
}

TEST(PageTest, SaysWhatToDoAboutADeviceManagerThatIsDown) {
  Snapshot snapshot = HealthyNode();
  snapshot.device_manager.up = false;
  snapshot.device_manager.problem = "kubelet.sock: Connection refused";
  EXPECT_THAT(Page(snapshot), AllOf(HasSubstr("Check that the kubelet"),
                                    HasSubstr("kubelet.sock: Connection refused"),
                                    HasSubstr("<span class=\"bad\">Not ready</span>")));
}

TEST(PageTest, SaysWhatToDoAboutACrashLoopAndWhenItStartsAgain) {
  Snapshot snapshot = HealthyNode();
  PluginStatus& plugin = snapshot.plugins[1];
  plugin.phase = PluginPhase::kBackingOff;
  plugin.failures = 5;
  plugin.deadline = kNow + seconds(8);
  plugin.last_exit = "cannot start /opt/vendor: No such file or directory";
  EXPECT_THAT(Page(snapshot),
              AllOf(HasSubstr("Plugin vendor failed 5 times in a row"), HasSubstr("starts in 8 s"),
                    HasSubstr("cannot start /opt/vendor: No such file")));
}

TEST(PageTest, IsAPageAlsoWhenNothingIsKnownYet) {
  EXPECT_THAT(RenderPage(Snapshot{}, kNow), AllOf(HasSubstr("The configuration names no plugin"),
                                                  HasSubstr("not read yet"), HasSubstr("</html>")));
}

TEST(DurationTextTest, NamesTheTwoLargestUnits) {
  EXPECT_EQ(DurationText(Duration::zero()), "0 s");
  EXPECT_EQ(DurationText(seconds(59)), "59 s");
  EXPECT_EQ(DurationText(seconds(61)), "1 min");
  EXPECT_EQ(DurationText(hours(3) + minutes(5)), "3 h 5 min");
  EXPECT_EQ(DurationText(hours(9 * 24 + 2)), "9 d 2 h");
}

}  // namespace
}  // namespace nodedevice::testing
