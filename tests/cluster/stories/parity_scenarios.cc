// What is compared between a real kubelet and device-manager. Each scenario is a list of things
// that plugins and pods do; what came of them is the journal.

#include "absl/strings/str_cat.h"
#include "tests/cluster/stories/parity.h"

namespace nodedevice::testing {
namespace {

v1beta1::RegisterRequest Request(const std::string& resource,
                                 const std::string& endpoint = "nobody.sock",
                                 const std::string& version = "v1beta1") {
  v1beta1::RegisterRequest request;
  request.set_version(version);
  request.set_endpoint(endpoint);
  request.set_resource_name(resource);
  return request;
}

v1beta1::Device Listed(const std::string& id, const std::string& health) {
  v1beta1::Device device;
  device.set_id(id);
  device.set_health(health);
  return device;
}

v1beta1::Device OnNumaNodes(const std::string& id, const std::vector<int>& nodes) {
  v1beta1::Device device = Listed(id, "Healthy");
  for (const int node : nodes) device.mutable_topology()->add_nodes()->set_id(node);
  return device;
}

v1beta1::ContainerAllocateResponse Extras(const std::string& prefix) {
  v1beta1::ContainerAllocateResponse answer;
  (*answer.mutable_envs())[prefix + "_DEVICE"] = "yes";
  v1beta1::Mount& mount = *answer.add_mounts();
  mount.set_container_path("/run/" + prefix);
  mount.set_host_path("/sys/module");
  mount.set_read_only(true);
  (*answer.mutable_annotations())["example.com/" + prefix] = "given";
  return answer;
}

// ---- registration and lists ---------------------------------------------------------------------

void ARegisteredPluginIsAskedAndFollowed(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  play.Register(plugin, play.Resource());
  play.Streams(plugin, 1, 0);
  play.Shows(play.Resource(), {2, 2});
  play.Calls(plugin);
  play.Checkpoint();
}

void RegistrationsThatAreRefused(Play& play) {
  play.RegisterRaw(Request(play.Resource(), "nobody.sock", "v1alpha1"));
  play.RegisterRaw(Request(play.Resource(), "nobody.sock", ""));
  for (const char* name :
       {"", "widget", "/widget", "example.com/", "example.com/a/b", "kubernetes.io/widget",
        "example.kubernetes.io/widget", "requests.example.com/widget", "Example.com/widget",
        "example.com/-widget", "example.com/wid_get!", "-example.com/widget"}) {
    play.RegisterRaw(Request(name));
  }
  play.RegisterRaw(Request("example.com/" + std::string(64, 'a')));
  play.Shows(play.Resource(), {-1, -1});
}

void APluginThatNobodyAnswersFor(Play& play) {
  play.RegisterRaw(Request(play.Resource()));
  play.Shows(play.Resource(), {-1, -1});
}

void APluginThatDoesNotTellItsOptions(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0"}, {.options_error = "not today"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {-1, -1});
}

void UnhealthyDevicesAreCapacityOnly(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1", "2", "3"});
  const auto ids = play.Ids({"0", "1", "2", "3"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {4, 4});
  plugin.SetDevices({Listed(ids[0], "Healthy"), Listed(ids[1], "Unhealthy"),
                     Listed(ids[2], "healthy"), Listed(ids[3], "")});
  play.Shows(play.Resource(), {4, 1});
  play.Checkpoint();
  plugin.SetHealthy(ids);
  play.Shows(play.Resource(), {4, 4});
}

void OneIdTwiceInAList(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "0", "1"});
  const auto ids = play.Ids({"0", "1"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.Write("the second time unhealthy");
  plugin.SetDevices(
      {Listed(ids[0], "Healthy"), Listed(ids[0], "Unhealthy"), Listed(ids[1], "Healthy")});
  play.Shows(play.Resource(), {3, 2});
  play.Checkpoint();
  play.Write("the first time unhealthy");
  plugin.SetDevices({Listed(ids[0], "Unhealthy"), Listed(ids[0], "Healthy")});
  play.Shows(play.Resource(), {2, 1});
}

void AnEmptyListIsAnEndWithoutGrace(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  plugin.SetDevices({});
  play.Shows(play.Resource(), {0, 0});
  play.Streams(plugin, 1, 0);
  play.Checkpoint();
  plugin.SetHealthy(play.Ids({"5"}));
  play.Shows(play.Resource(), {1, 1});
}

// ---- streams and restarts -----------------------------------------------------------------------

void APluginThatEndsKeepsItsCapacity(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1", "2"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  plugin.EndStreams();
  play.Shows(play.Resource(), {3, 0});
  play.Streams(plugin, 0, 0);
  play.Checkpoint();
  play.Admit("late", {{play.Resource(), 1}});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  play.Streams(plugin, 1, 0);
}

void TheEndOfAnOldStreamTakesTheNewPluginWithIt(Play& play) {
  FakePlugin& older = play.Plugin("older", {"0", "1"});
  play.Register(older, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  FakePlugin& newer = play.Plugin("newer", {"2", "3", "4"});
  play.Register(newer, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  play.Write("the older one is not told");
  play.Streams(older, 1, 0);
  older.SetHealthy(play.Ids({"0"}));
  play.Write("and its list counts");
  play.Shows(play.Resource(), {1, 1});
  newer.SetHealthy(play.Ids({"2", "3", "4"}));
  play.Shows(play.Resource(), {3, 3});
  older.EndStreams();
  play.Write("the newer one is cancelled");
  play.Streams(newer, 0, 1);
  play.Shows(play.Resource(), {3, 0});
  play.Register(newer, play.Resource());
  play.Shows(play.Resource(), {3, 3});
}

void APluginThatRegistersTwiceHasTwoStreams(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  play.Register(plugin, play.Resource());
  play.Streams(plugin, 1, 0);
  play.Register(plugin, play.Resource());
  play.Streams(plugin, 2, 0);
  play.Shows(play.Resource(), {2, 2});
  play.Calls(plugin);
}

void ARestartForgetsDevicesAndKeepsPods(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.Admit("both", {{play.Resource(), 2}});
  play.Holds("both");
  play.Restart();
  play.Streams(plugin, 0, 1);
  play.Shows(play.Resource(), {0, 0});
  play.Holds("both");
  play.Checkpoint();
  play.Write("a pod that comes too early");
  play.Admit("early", {{play.Resource(), 1}});
  FakePlugin& again = play.Plugin("again", {"0", "1", "2"});
  play.Register(again, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  play.Write("a held device is not given again");
  play.Admit("third", {{play.Resource(), 1}});
  play.Holds("third");
  play.Holds("both");
  play.Checkpoint();
}

void APluginThatIsGoneKeepsItsCapacityInTheGrace(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1", "2"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  play.Admit("holder", {{play.Resource(), 3}});
  play.Gone(plugin);
  play.Shows(play.Resource(), {3, 0});
  play.Holds("holder");
  play.Admit("late", {{play.Resource(), 1}});
  play.Checkpoint();
  play.Write("another one comes in time, with fewer");
  FakePlugin& next = play.Plugin("next", {"0"});
  play.Register(next, play.Resource());
  play.Shows(play.Resource(), {1, 1});
  play.Holds("holder");
  play.Gone(next);
  play.Shows(play.Resource(), {1, 0});
  play.Write("a restart ends what the grace has kept");
  play.Restart();
  play.Shows(play.Resource(), {0, 0});
  play.Holds("holder");
}

// ---- plugins_registry ---------------------------------------------------------------------------

pluginregistration::PluginInfo Info(const std::string& resource,
                                    const std::string& type = "DevicePlugin",
                                    const std::string& version = "v1beta1") {
  pluginregistration::PluginInfo info;
  info.set_type(type);
  info.set_name(resource);
  info.add_supported_versions(version);
  return info;
}

void APluginInTheRegistryIsFoundAndFoundAgain(Play& play) {
  FakePlugin& plugin =
      play.RegistryPlugin("found.sock", {"0", "1"}, {.info = Info(play.Resource())});
  play.Told(plugin, 1);
  play.Streams(plugin, 1, 0);
  play.Shows(play.Resource(), {2, 2});
  play.Admit("both", {{play.Resource(), 2}});
  play.Holds("both");
  play.Calls(plugin);
  play.Checkpoint();
  play.Restart();
  play.Write("it has done nothing");
  play.Told(plugin, 2);
  play.Streams(plugin, 1, 1);
  play.Shows(play.Resource(), {2, 2});
  play.Holds("both");
  play.Calls(plugin);
  play.Gone(plugin);
  play.Shows(play.Resource(), {2, 0});
  play.Holds("both");
  play.Checkpoint();
  play.Write("another one, at the same place");
  FakePlugin& next =
      play.RegistryPlugin("found.sock", {"0", "1", "2"}, {.info = Info(play.Resource())});
  play.Told(next, 1);
  play.Shows(play.Resource(), {3, 3});
  play.Admit("third", {{play.Resource(), 1}});
  play.Holds("third");
}

void PluginsInTheRegistryThatAreRefused(Play& play) {
  const FakePlugin& hidden =
      play.RegistryPlugin(".hidden.sock", {"0"}, {.info = Info(play.Resource("hidden"))});
  play.Told(play.RegistryPlugin("version.sock", {"0"},
                                {.info = Info(play.Resource(), "DevicePlugin", "v2")}),
            1);
  play.Told(play.RegistryPlugin("name.sock", {"0"}, {.info = Info("widget")}), 1);
  play.Told(play.RegistryPlugin("type.sock", {"0"}, {.info = Info(play.Resource(), "Toaster")}), 1);
  play.Told(play.RegistryPlugin("options.sock", {"0"},
                                {.options_error = "not today", .info = Info(play.Resource())}),
            1);
  play.Told(hidden, 0);
  play.Shows(play.Resource(), {-1, -1});
  play.Shows(play.Resource("hidden"), {-1, -1});
}

void ThePluginComesByBothWays(Play& play) {
  FakePlugin& found = play.RegistryPlugin("both.sock", {"0", "1"}, {.info = Info(play.Resource())});
  play.Told(found, 1);
  play.Shows(play.Resource(), {2, 2});
  FakePlugin& calls = play.Plugin("calls", {"2", "3", "4"});
  play.Register(calls, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  play.Streams(found, 1, 0);
  play.Write("the one that was found leaves, and takes the other one with it");
  play.Gone(found);
  play.Streams(calls, 0, 1);
  play.Shows(play.Resource(), {3, 0});
}

// ---- pods ---------------------------------------------------------------------------------------

void APodGetsWhatThePluginAnswers(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"}, {.answer = Extras("first")});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.Admit("both", {{play.Resource(), 2}});
  play.Calls(plugin);
  play.Holds("both");
  play.Shows(play.Resource(), {2, 2});
  play.Checkpoint();
  play.Delete("both");
  play.Write("what it held is free again");
  play.Admit("next", {{play.Resource(), 2}});
  play.Holds("next");
  play.Checkpoint();
}

void TwoResourcesInOneContainer(Play& play) {
  FakePlugin& a = play.Plugin("a", {"0"}, {.answer = Extras("first")});
  FakePlugin& b = play.Plugin("b", {"1"}, {.answer = Extras("second")});
  play.Register(a, play.Resource("a"));
  play.Register(b, play.Resource("b"));
  play.Shows(play.Resource("a"), {1, 1});
  play.Shows(play.Resource("b"), {1, 1});
  play.Admit("both", {{play.Resource("a"), 1}, {play.Resource("b"), 1}});
  play.Holds("both");
  play.Checkpoint();
}

void APodThatAsksForNone(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {1, 1});
  play.Admit("none", {{play.Resource(), 0}});
  play.Holds("none");
  play.Calls(plugin);
}

void MoreThanThereAre(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.Admit("three", {{play.Resource(), 3}});
  play.Admit("two", {{play.Resource(), 2}});
  play.Write("none is left");
  play.Admit("one", {{play.Resource(), 1}});
  play.Calls(plugin);
}

void AnUnknownResourceIsNoneOfItsBusiness(Play& play) {
  play.Admit("stranger", {{play.Resource(), 1}});
  play.Holds("stranger");
}

void OnlyUnhealthyDevicesAreLeft(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  const auto ids = play.Ids({"0", "1"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.Admit("holder", {{play.Resource(), 2}});
  plugin.SetDevices({Listed(ids[0], "Unhealthy"), Listed(ids[1], "Unhealthy")});
  play.Shows(play.Resource(), {2, 0});
  play.Write("who holds them keeps them");
  play.Holds("holder");
  play.Admit("next", {{play.Resource(), 1}});
}

void ThePluginRefusesToAllocate(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0"}, {.allocate_error = "the device is on fire"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {1, 1});
  play.Admit("unlucky", {{play.Resource(), 1}});
  play.Calls(plugin);
  play.Checkpoint();
}

void ThePluginAnswersForNoContainer(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0"}, {.empty_allocate_answer = true});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {1, 1});
  play.Admit("unlucky", {{play.Resource(), 1}});
  play.Calls(plugin);
}

void ThePluginPrefers(Play& play) {
  FakePlugin& plugin =
      play.Plugin("p", {"0", "1", "2", "3"}, {.prefers = true, .preferred = {"1", "3"}});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {4, 4});
  play.Admit("two", {{play.Resource(), 2}});
  play.Holds("two");
  play.Write("what is held is not offered");
  play.Admit("rest", {{play.Resource(), 2}});
  play.Holds("rest");
  play.Calls(plugin);
}

void ThePluginCannotSayWhatItPrefers(Play& play) {
  FakePlugin& plugin =
      play.Plugin("p", {"0", "1"}, {.prefers = true, .preferred_error = "ask again later"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.Admit("unlucky", {{play.Resource(), 1}});
  play.Calls(plugin);
}

void ThePluginPreparesTheContainer(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"}, {.pre_start = true});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.Admit("both", {{play.Resource(), 2}});
  play.Calls(plugin);
}

void ThePluginCannotPrepareTheContainer(Play& play) {
  FakePlugin& plugin =
      play.Plugin("p", {"0"}, {.pre_start = true, .pre_start_error = "reset failed"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {1, 1});
  play.Admit("waits", {{play.Resource(), 1}});
  play.Holds("waits");
  play.Checkpoint();
}

void TwoContainersOfOnePod(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1", "2"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  play.AdmitSpec("pair",
                 {{"containers",
                   {ContainerSpec("other", {}), ContainerSpec("main", {{play.Resource(), 3}})}}});
  play.Holds("pair");
  play.Calls(plugin);
  play.Checkpoint();
}

void AnInitContainerLeavesItsDevices(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.AdmitSpec("init",
                 {{"initContainers", {ContainerSpec("before", {{play.Resource(), 2}}, {"true"})}},
                  {"containers", {ContainerSpec("main", {{play.Resource(), 2}})}}});
  play.Holds("init");
  play.PodResources("init");
  play.Calls(plugin);
  play.Checkpoint();
}

void ASidecarKeepsItsDevices(Play& play) {
  // It prefers one, so that nothing is left to choice.
  FakePlugin& plugin = play.Plugin("p", {"0", "1", "2"}, {.prefers = true, .preferred = {"0"}});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  Json sidecar = ContainerSpec("beside", {{play.Resource(), 1}});
  sidecar["restartPolicy"] = "Always";
  play.Write("a sidecar's one and an app's three are more than three");
  play.AdmitSpec("four", {{"initContainers", {sidecar}},
                          {"containers", {ContainerSpec("main", {{play.Resource(), 3}})}}});
  play.AdmitSpec("three", {{"initContainers", {sidecar}},
                           {"containers", {ContainerSpec("main", {{play.Resource(), 2}})}}});
  play.PodResources("three");
  play.Calls(plugin);
  play.Checkpoint();
}

void AnInitContainerTakesWhatAnEarlierOneLeft(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"}, {.prefers = true, .preferred = {"0"}});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.AdmitSpec("chain", {{"initContainers",
                            {ContainerSpec("first", {{play.Resource(), 1}}, {"true"}),
                             ContainerSpec("second", {{play.Resource(), 2}}, {"true"})}},
                           {"containers", {ContainerSpec("main", {{play.Resource(), 2}})}}});
  play.Holds("chain");
  play.PodResources("chain");
  play.Calls(plugin);
  play.Checkpoint();
}

void ASidecarTakesWhatAnInitContainerLeftAndKeepsIt(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1", "2"}, {.prefers = true, .preferred = {"1"}});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  Json sidecar = ContainerSpec("beside", {{play.Resource(), 1}});
  sidecar["restartPolicy"] = "Always";
  play.AdmitSpec("mixed", {{"initContainers",
                            {ContainerSpec("before", {{play.Resource(), 1}}, {"true"}), sidecar,
                             ContainerSpec("after", {{play.Resource(), 2}}, {"true"})}},
                           {"containers", {ContainerSpec("main", {{play.Resource(), 2}})}}});
  play.PodResources("mixed");
  play.Calls(plugin);
  play.Checkpoint();
  play.Write("none is left");
  play.Admit("next", {{play.Resource(), 1}});
  play.Write("all are free again");
  play.Delete("mixed");
  play.Admit("all", {{play.Resource(), 3}});
  play.Holds("all");
}

void AnInitContainerNeedsMoreThanTheRest(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.AdmitSpec("init",
                 {{"initContainers", {ContainerSpec("before", {{play.Resource(), 2}}, {"true"})}},
                  {"containers", {ContainerSpec("main", {})}}});
  play.Holds("init");
  play.Write("they stay with the pod");
  play.Admit("next", {{play.Resource(), 1}});
  play.Checkpoint();
}

void NumaNodesOfDevices(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1", "2"});
  const auto ids = play.Ids({"0", "1", "2"});
  plugin.SetDevices(
      {OnNumaNodes(ids[0], {0}), OnNumaNodes(ids[1], {0, 1}), OnNumaNodes(ids[2], {})});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {3, 3});
  play.Admit("all", {{play.Resource(), 3}});
  play.Holds("all");
  play.PodResources("all");
  play.Checkpoint();
}

// ---- with a Topology Manager --------------------------------------------------------------------
// On a machine with NUMA node 0 alone.

constexpr int kNoSuchNode = 7;

// "0" is on the machine's node, "1" on one that it does not have. The plugin prefers the first one:
// with one node, `single-numa-node` does not choose between the two.
FakePlugin& OneHereOneNowhere(Play& play, const std::string& resource) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"}, {.prefers = true, .preferred = {"0"}});
  const auto ids = play.Ids({"0", "1"});
  plugin.SetDevices({OnNumaNodes(ids[0], {0}), OnNumaNodes(ids[1], {kNoSuchNode})});
  play.Register(plugin, resource);
  play.Shows(resource, {2, 2});
  return plugin;
}

void DevicesOfANodeThatDoesNotExist(Play& play) {
  FakePlugin& plugin = OneHereOneNowhere(play, play.Resource());
  play.Admit("two", {{play.Resource(), 2}});
  play.Delete("two");
  play.Admit("one", {{play.Resource(), 1}});
  play.Holds("one");
  play.PodResources("one");
  play.Admit("another", {{play.Resource(), 1}});
  play.Holds("another");
  play.Calls(plugin);
  play.Checkpoint();
}

void NoDeviceIsOnThisMachinesNodes(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0"});
  plugin.SetDevices({OnNumaNodes(play.Ids({"0"})[0], {kNoSuchNode})});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {1, 1});
  play.Admit("one", {{play.Resource(), 1}});
  play.Holds("one");
  play.Calls(plugin);
}

void DevicesWithoutANodeAreAlwaysAligned(Play& play) {
  FakePlugin& plugin = play.Plugin("p", {"0", "1"});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {2, 2});
  play.Admit("both", {{play.Resource(), 2}});
  play.Holds("both");
  play.PodResources("both");
  play.Checkpoint();
}

void WhatIsOfferedOfDevicesHereAndElsewhere(Play& play) {
  FakePlugin& plugin =
      play.Plugin("p", {"0", "1", "2", "3"}, {.prefers = true, .preferred = {"1"}});
  const auto ids = play.Ids({"0", "1", "2", "3"});
  plugin.SetDevices({OnNumaNodes(ids[0], {0}), OnNumaNodes(ids[1], {0, kNoSuchNode}),
                     OnNumaNodes(ids[2], {}), OnNumaNodes(ids[3], {kNoSuchNode})});
  play.Register(plugin, play.Resource());
  play.Shows(play.Resource(), {4, 4});
  play.Admit("one", {{play.Resource(), 1}});
  play.Holds("one");
  play.Calls(plugin);
  play.Checkpoint();
}

void AnInitContainersDevicesStayAligned(Play& play) {
  FakePlugin& plugin = OneHereOneNowhere(play, play.Resource());
  play.AdmitSpec("init",
                 {{"initContainers", {ContainerSpec("before", {{play.Resource(), 1}}, {"true"})}},
                  {"containers", {ContainerSpec("main", {{play.Resource(), 1}})}}});
  play.Holds("init");
  play.PodResources("init");
  play.Calls(plugin);
}

void TheSecondContainerCannotBeAligned(Play& play) {
  FakePlugin& plugin = OneHereOneNowhere(play, play.Resource());
  play.AdmitSpec("pair", {{"containers",
                           {ContainerSpec("first", {{play.Resource(), 1}}),
                            ContainerSpec("main", {{play.Resource(), 1}})}}});
  play.Write("what the first one had is free again");
  play.Admit("next", {{play.Resource(), 1}});
  play.Holds("next");
  play.Calls(plugin);
}

}  // namespace

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> scenarios = {
      {"asked", ARegisteredPluginIsAskedAndFollowed},
      {"refused", RegistrationsThatAreRefused},
      {"nobody", APluginThatNobodyAnswersFor},
      {"options", APluginThatDoesNotTellItsOptions},
      {"unhealthy", UnhealthyDevicesAreCapacityOnly},
      {"twice", OneIdTwiceInAList},
      {"empty", AnEmptyListIsAnEndWithoutGrace},
      {"ends", APluginThatEndsKeepsItsCapacity},
      {"overlap", TheEndOfAnOldStreamTakesTheNewPluginWithIt},
      {"again", APluginThatRegistersTwiceHasTwoStreams},
      {"answer", APodGetsWhatThePluginAnswers},
      {"two", TwoResourcesInOneContainer},
      {"zero", APodThatAsksForNone},
      {"more", MoreThanThereAre},
      {"unknown", AnUnknownResourceIsNoneOfItsBusiness},
      {"sick", OnlyUnhealthyDevicesAreLeft},
      {"fire", ThePluginRefusesToAllocate},
      {"nothing", ThePluginAnswersForNoContainer},
      {"prefers", ThePluginPrefers},
      {"unsure", ThePluginCannotSayWhatItPrefers},
      {"prepares", ThePluginPreparesTheContainer},
      {"cannot", ThePluginCannotPrepareTheContainer},
      {"pair", TwoContainersOfOnePod},
      {"init", AnInitContainerLeavesItsDevices},
      {"sidecar", ASidecarKeepsItsDevices},
      {"numa", NumaNodesOfDevices},
      {"restart", ARestartForgetsDevicesAndKeepsPods},
      {"gone", APluginThatIsGoneKeepsItsCapacityInTheGrace},
      {"found", APluginInTheRegistryIsFoundAndFoundAgain},
      {"strange", PluginsInTheRegistryThatAreRefused},
      {"ways", ThePluginComesByBothWays},
      {"chain", AnInitContainerTakesWhatAnEarlierOneLeft},
      {"mixed", ASidecarTakesWhatAnInitContainerLeftAndKeepsIt},
      {"idle", AnInitContainerNeedsMoreThanTheRest},
      {"single1", DevicesOfANodeThatDoesNotExist, "single-numa-node"},
      {"single2", NoDeviceIsOnThisMachinesNodes, "single-numa-node"},
      {"single3", DevicesWithoutANodeAreAlwaysAligned, "single-numa-node"},
      {"single4", WhatIsOfferedOfDevicesHereAndElsewhere, "single-numa-node"},
      {"single5", AnInitContainersDevicesStayAligned, "single-numa-node"},
      {"single6", TheSecondContainerCannotBeAligned, "single-numa-node"},
      {"restricted1", DevicesOfANodeThatDoesNotExist, "restricted"},
      {"restricted2", NoDeviceIsOnThisMachinesNodes, "restricted"},
      {"effort1", DevicesOfANodeThatDoesNotExist, "best-effort"},
      {"effort2", NoDeviceIsOnThisMachinesNodes, "best-effort"},
      {"effort3", WhatIsOfferedOfDevicesHereAndElsewhere, "best-effort"},
  };
  return scenarios;
}

}  // namespace nodedevice::testing
