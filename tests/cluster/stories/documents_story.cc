// The custom resources on a real API server: it takes the schemas of crds/ (and with them the cost
// of their rules), judges the documents of tests/documents as the agent's parser does, and shows
// what an administrator asks first.

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "lib/api/device_plugin_config.h"
#include "tests/cluster/stories/cluster.h"
#include "tests/support/documents.h"
#include "tests/support/places.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::filesystem::path kSource = SourceRoot();

class CustomResources : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    Cluster().MustKubectl({"apply", "--server-side", "-k", kSource / "crds"});
    Cluster().MustKubectl({"wait", "--for=condition=Established", "--timeout=60s", "crd",
                           "devicepluginconfigs.nodedevices.io",
                           "nodedevicestates.nodedevices.io"});
  }
  // With all their objects.
  static void TearDownTestSuite() { Cluster().Kubectl({"delete", "-k", kSource / "crds"}); }

 protected:
  // What the API server would do with this document; nothing is kept.
  static CommandResult DryRun(const Document& document, const std::string& validate) {
    return Cluster().Kubectl({"create", "--dry-run=server", "--validate=" + validate, "-o", "json",
                              "-f", document.path});
  }

  // The status that an agent or a controller writes, by server-side apply.
  static CommandResult ApplyStatus(const Json& object) {
    return Cluster().Kubectl(
        {"apply", "--server-side", "--subresource=status", "--field-manager=story", "-f", "-"},
        object.dump());
  }

  // The words of each line of a table.
  static std::vector<std::vector<std::string>> Table(const std::vector<std::string>& arguments) {
    std::vector<std::vector<std::string>> lines;
    const std::string text = Cluster().MustKubectl(arguments);
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      lines.push_back(absl::StrSplit(line, ' ', absl::SkipEmpty()));
    }
    return lines;
  }
};

Json Object(const std::string& kind, const std::string& name, const Json& spec) {
  return {{"apiVersion", "nodedevices.io/v1alpha1"},
          {"kind", kind},
          {"metadata", {{"name", name}}},
          {"spec", spec}};
}

Json Condition(const std::string& type, const std::string& status, const std::string& reason,
               const std::string& message) {
  return {{"type", type},
          {"status", status},
          {"reason", reason},
          {"message", message},
          {"lastTransitionTime", "2026-01-01T00:00:00Z"}};
}

Json State(const std::string& name) {
  return Object("NodeDeviceState", name, {{"nodeName", "n1"}, {"configName", "worker"}});
}

TEST_F(CustomResources, EachDocumentGetsTheVerdictThatItExpects) {
  for (const Document& document : Documents()) {
    const CommandResult result = DryRun(document, "strict");
    EXPECT_EQ(result.code == 0, document.api_server.empty()) << document.path << "\n"
                                                             << result.error;
    EXPECT_THAT(result.error, HasSubstr(document.api_server)) << document.path;
  }
}

TEST_F(CustomResources, TheAgentTakesWhatTheApiServerMakesOfADocument) {
  for (const Document& document : Documents()) {
    if (document.folder != "accepted") continue;
    const CommandResult result = DryRun(document, "strict");
    ASSERT_EQ(result.code, 0) << document.path << "\n" << result.error;
    const auto parsed = ParseDevicePluginConfig(Json::parse(result.out));
    EXPECT_TRUE(parsed.ok()) << document.path << "\n" << ToString(parsed.errors);
    const auto own = ParseDevicePluginConfigYaml(document.text);
    EXPECT_EQ(parsed.value.plugins.size(), own.value.plugins.size()) << document.path;
  }
}

TEST_F(CustomResources, UnknownFieldsArePrunedWhereNobodyAsksForStrictness) {
  int pruned = 0;
  for (const Document& document : Documents()) {
    if (document.folder != "unknown-fields") continue;
    const CommandResult result = DryRun(document, "ignore");
    ASSERT_EQ(result.code, 0) << document.path << "\n" << result.error;
    const auto parsed = ParseDevicePluginConfig(Json::parse(result.out));
    EXPECT_TRUE(parsed.ok()) << document.path << "\n" << ToString(parsed.errors);
    ++pruned;
  }
  EXPECT_GE(pruned, 20);
}

TEST_F(CustomResources, EveryFieldExplainsItself) {
  EXPECT_THAT(Cluster().MustKubectl({"explain", "dpc.spec.plugins"}),
              HasSubstr("exactly one family"));
  EXPECT_THAT(Cluster().MustKubectl({"explain", "dpc.spec.plugins.paths.groups.paths.path"}),
              HasSubstr("absolute path on the host"));
  EXPECT_THAT(Cluster().MustKubectl({"explain", "nds.status.plugins.phase"}),
              HasSubstr("BackingOff"));
  EXPECT_THAT(Cluster().MustKubectl({"explain", "dpc", "--recursive"}),
              HasSubstr("failRequestsGreaterThanOne"));
}

TEST_F(CustomResources, AConfigShowsHowManyNodesAreReady) {
  Cluster().Create(Object("DevicePluginConfig", "worker", {{"plugins", Json::array()}}));
  Json status = Object("DevicePluginConfig", "worker", {{"plugins", Json::array()}});
  status.erase("spec");
  status["status"] = {
      {"observedGeneration", 1},
      {"nodes", 12},
      {"ready", 11},
      {"conditions",
       {Condition("Available", "True", "AsExpected", ""),
        Condition("Degraded", "True", "PluginCrashLooping", "kvm on w7 ended with 1"),
        Condition("ConfigAccepted", "True", "AsExpected", ""),
        Condition("DeviceManagerVerified", "False", "KubeletDown", "on w7")}},
      {"pools",
       {{{"name", "worker"},
         {"nodes", 12},
         {"verified", 11},
         {"ready", 11},
         {"failing", {{{"node", "w7"}, {"reason", "PluginCrashLooping"}, {"message", "m"}}}}}}},
      {"resources", {{{"name", "a.b/c"}, {"announced", 12}, {"healthy", 12}, {"allocated", 3}}}}};
  const CommandResult applied = ApplyStatus(status);
  ASSERT_EQ(applied.code, 0) << applied.error;

  auto table = Table({"get", "dpc"});
  ASSERT_EQ(table.size(), 2u);
  EXPECT_THAT(table[0],
              ElementsAre("NAME", "NODES", "READY", "AVAILABLE", "DEGRADED", "REASON", "AGE"));
  table[1].pop_back();
  EXPECT_THAT(table[1], ElementsAre("worker", "12", "11", "True", "True", "PluginCrashLooping"));
  const std::string wide = Cluster().MustKubectl({"get", "dpc", "-o", "wide"});
  for (const char* word : {"ACCEPTED", "VERIFIED", "MESSAGE", "kvm on w7 ended with 1"}) {
    EXPECT_THAT(wide, HasSubstr(word));
  }
  EXPECT_THAT(Cluster().MustKubectl({"get", "nodedevices", "-o", "name"}), HasSubstr("/worker"))
      << "the category lists it";
}

TEST_F(CustomResources, AStateShowsHowItsNodeIs) {
  Cluster().Create(State("worker.n1"));
  Json status = State("worker.n1");
  status.erase("spec");
  status["status"] = {
      {"observedGeneration", 3},
      {"configError", ""},
      {"agent",
       {{"version", "1"}, {"pid", 7}, {"podName", "p"}, {"startedAt", "2026-01-01T00:00:00Z"}}},
      {"deviceManager",
       {{"up", true},
        {"since", "2026-01-01T00:00:00Z"},
        {"restarts", 1},
        {"kubeletVersion", "v1.36.3"},
        {"socket", "/var/lib/kubelet/device-plugins/kubelet.sock"},
        {"problem", ""}}},
      {"conditions",
       {Condition("Ready", "False", "PluginsNotReady", "plugin kvm: BackingOff"),
        Condition("DeviceManagerUp", "True", "Up", ""),
        Condition("ConfigAccepted", "True", "Accepted", "")}},
      {"plugins",
       {{{"name", "kvm"},
         {"resourceName", "devices.kubevirt.io/kvm"},
         {"phase", "BackingOff"},
         {"since", "2026-01-01T00:00:00Z"},
         {"pid", 0},
         {"restarts", 4},
         {"failures", 4},
         {"lastExit", "exited with 1"},
         {"registrationError", ""},
         {"waitsFor", ""}},
        {{"name", "serial"}, {"phase", "Running"}}}},
      {"resources",
       {{{"resourceName", "a.b/c"},
         {"announced", 2},
         {"healthy", 1},
         {"accepted", 2},
         {"allocated", 1}}}},
      {"unhealthyDevices", {{{"resourceName", "a.b/c"}, {"id", "x"}, {"reason", "gone"}}}},
      {"unhealthyDevicesOmitted", 0},
      {"pods",
       {{{"namespace", "default"},
         {"name", "p"},
         {"container", "main"},
         {"resourceName", "a.b/c"},
         {"devices", {"y"}}}}},
      {"podsOmitted", 0}};
  CommandResult applied = ApplyStatus(status);
  ASSERT_EQ(applied.code, 0) << applied.error;

  auto table = Table({"get", "nds"});
  ASSERT_EQ(table.size(), 2u);
  EXPECT_THAT(table[0],
              ElementsAre("NAME", "NODE", "CONFIG", "READY", "DEVICE-MANAGER", "REASON", "AGE"));
  table[1].pop_back();
  EXPECT_THAT(table[1],
              ElementsAre("worker.n1", "n1", "worker", "False", "True", "PluginsNotReady"));
  const std::string wide = Cluster().MustKubectl({"get", "nds", "-o", "wide"});
  EXPECT_THAT(wide, HasSubstr("KUBELET"));
  EXPECT_THAT(wide, HasSubstr("v1.36.3"));
  EXPECT_THAT(wide, HasSubstr("plugin kvm: BackingOff"));

  // The next state has one plugin less: what its writer leaves out is gone, entry by entry.
  status["status"]["plugins"].erase(0);
  applied = ApplyStatus(status);
  ASSERT_EQ(applied.code, 0) << applied.error;
  EXPECT_EQ(Cluster().MustKubectl(
                {"get", "nds", "worker.n1", "-o", "jsonpath={.status.plugins[*].name}"}),
            "serial");

  status["status"]["plugins"][0]["phase"] = "Dancing";
  applied = ApplyStatus(status);
  EXPECT_NE(applied.code, 0);
  EXPECT_THAT(applied.error, HasSubstr("status.plugins[0].phase: Unsupported value"));
}

TEST_F(CustomResources, AStateNeverMovesToAnotherNode) {
  Cluster().Create(State("worker.n2"));
  for (const char* field : {"nodeName", "configName"}) {
    const Json patch = {{"spec", {{field, "other"}}}};
    const CommandResult result =
        Cluster().Kubectl({"patch", "nds", "worker.n2", "--type=merge", "-p", patch.dump()});
    EXPECT_NE(result.code, 0);
    EXPECT_THAT(result.error, HasSubstr(absl::StrCat("spec.", field, ": Invalid value")));
    EXPECT_THAT(result.error, HasSubstr("never changes"));
  }
  Json nobody = State("nobody");
  nobody["spec"].erase("nodeName");
  const CommandResult created = Cluster().Kubectl({"create", "-f", "-"}, nobody.dump());
  EXPECT_THAT(created.error, HasSubstr("spec.nodeName: Required value"));
}

}  // namespace
}  // namespace nodedevice::testing
