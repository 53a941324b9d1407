// MakePlan on the clusters of this folder. The README says how a case is written.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/embedded_manifests.h"
#include "controller/plan.h"
#include "controller/pools/pools_plan.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/yaml.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/feature_gate.h"
#include "tests/architecture/crd_schema.h"
#include "tests/golden/controller/carry_out.h"
#include "tests/support/places.h"
#include "tests/support/yaml_text.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::IsEmpty;

const fs::path kFolder = SourceRoot() / "tests/golden/controller";

std::string ReadText(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json ReadYaml(const fs::path& path) {
  absl::StatusOr<Json> value = ParseYaml(ReadText(path));
  if (!value.ok()) {
    throw std::runtime_error(absl::StrCat(path.string(), ": ", value.status().ToString()));
  }
  return *std::move(value);
}

Settings TestSettings() {
  return {.name_space = "node-device",
          .image = "registry.example/node-device-operator@sha256:1234",
          .daemon_set = ParseYaml(AgentDaemonSetYaml()).value()};
}

struct Case {
  Observed observed;
  bool whole_daemon_sets = false;
};

void Add(const Json& object, Case& loaded) {
  Observed& observed = loaded.observed;
  const std::string kind = TextAt(object, "/kind");
  if (kind == "List") {
    for (const Json& item : ListAt(object, "/items")) Add(item, loaded);
  } else if (kind == "Cluster") {
    if (object.contains("now")) observed.now = ReadApiTime(TextAt(object, "/now"));
    observed.has_scc = object.value("scc", false);
    loaded.whole_daemon_sets = object.value("wholeDaemonSets", false);
  } else if (kind == "DevicePluginConfig") {
    observed.configs.push_back(object);
  } else if (kind == "Node") {
    observed.nodes.push_back(ReadNode(object));
  } else if (kind == "MachineConfigPool") {
    observed.pools->push_back(ReadMachineConfigPool(object));
  } else if (kind == "KubeletConfig") {
    observed.kubelet_configs->push_back(object);
  } else if (kind == "MachineConfig") {
    observed.machine_configs->push_back(object);
  } else if (kind == "ClusterVersion") {
    observed.cluster_version = ReadClusterVersion(object);
  } else if (kind == "Infrastructure") {
    observed.hosted_control_plane = HasHostedControlPlane(object);
  } else if (kind == "FeatureGate") {
    observed.gate_is_disabled = DisablesGate(object, "DevicePlugins");
  } else if (kind == "NodeDeviceState") {
    observed.states.push_back(ReadState(object));
  } else if (kind == "Pod") {
    observed.pods.push_back(ReadPod(object));
  } else if (kind == "DaemonSet") {
    observed.daemon_sets.push_back(object);
  } else if (kind == "WriteProblem") {
    observed.write_problems[TextAt(object, "/object")] = TextAt(object, "/message");
  } else {
    throw std::runtime_error("nothing of this kind is read: " + kind);
  }
}

// "asRendered": what the plan would apply in its place, and the rest of it on top.
void Render(const Plan& plan, Json& objects) {
  for (Json& object : objects) {
    if (!object.value("asRendered", false)) continue;
    object.erase("asRendered");
    const auto applied = std::ranges::find_if(plan.apply, [&](const Apply& apply) {
      return apply.object["kind"] == object["kind"] &&
             apply.object["metadata"]["name"] == object["metadata"]["name"];
    });
    if (applied == plan.apply.end()) {
      throw std::runtime_error("this is not rendered: " + ObjectName(object));
    }
    Json whole = applied->object;
    whole.merge_patch(object);
    object = std::move(whole);
  }
}

// As if none of them were there, and nothing that comes before them or stands in their way.
void RenderObjects(Observed& observed) {
  Observed fresh = observed;
  if (fresh.kubelet_configs) fresh.kubelet_configs = Json::array();
  if (fresh.machine_configs) fresh.machine_configs = Json::array();
  fresh.cluster_version = std::nullopt;
  for (Json& config : fresh.configs) {
    config.erase("status");
    config["metadata"].erase("deletionTimestamp");
    config["metadata"]["finalizers"] = {kTeardownFinalizer};
    config["spec"]["deviceManager"]["mode"] = "Manage";
    config["spec"]["deviceManager"]["allowReboot"] = true;
  }
  if (fresh.pools) {
    for (Json& pool : *fresh.pools) {
      pool["spec"]["paused"] = false;
      pool.erase("status");
    }
  }
  const Plan plan = MakePlan(fresh, TestSettings());
  for (std::optional<Json>* list : {&observed.kubelet_configs, &observed.machine_configs}) {
    if (*list) Render(plan, **list);
  }
  if (!observed.pools) return;
  for (Json& object : *observed.kubelet_configs) object = ReadKubeletConfig(object);
  for (Json& object : *observed.machine_configs) object = ReadMachineConfig(object);
}

void RenderDaemonSets(Observed& observed) {
  Json daemon_sets = observed.daemon_sets;
  Render(MakePlan(observed, TestSettings()), daemon_sets);
  observed.daemon_sets = daemon_sets.get<std::vector<Json>>();
}

Case Load(const fs::path& folder) {
  Case loaded;
  loaded.observed.now = ReadApiTime("2026-01-02T12:00:00Z");
  if (fs::exists(folder / "observed/pools.yaml")) {
    loaded.observed.pools = Json::array();
    loaded.observed.kubelet_configs = Json::array();
    loaded.observed.machine_configs = Json::array();
  }
  if (fs::exists(folder / "cr.yaml")) Add(ReadYaml(folder / "cr.yaml"), loaded);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder / "observed")) files.push_back(entry);
  std::ranges::sort(files);
  for (const fs::path& file : files) Add(ReadYaml(file), loaded);
  RenderObjects(loaded.observed);
  RenderDaemonSets(loaded.observed);
  return loaded;
}

// A folder of the host, and whether the agent may write there.
std::string VolumeOf(const Json& volume, const Json& mounts) {
  const std::string path = volume["hostPath"]["path"];
  const auto mount = std::ranges::find_if(
      mounts, [&volume](const Json& mount) { return mount["name"] == volume["name"]; });
  const bool writable = mount != mounts.end() && !mount->value("readOnly", false);
  return writable ? path + ", writable" : path;
}

// Of a DaemonSet what differs from one configuration to another.
Json Shortened(const Json& object) {
  if (object["kind"] != "DaemonSet") return object;
  const Json& pod = object["spec"]["template"]["spec"];
  Json volumes = Json::array();
  for (const Json& volume : pod["volumes"]) {
    volumes.push_back(VolumeOf(volume, pod["containers"][0]["volumeMounts"]));
  }
  return {{"name", object["metadata"]["name"]},
          {"args", pod["containers"][0]["args"].dump()},
          {"affinity", pod["affinity"]["nodeAffinity"]
                          ["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]},
          {"tolerations", pod["tolerations"]},
          {"volumes", volumes}};
}

// Of other objects it is said how they are applied.
Json RenderedApply(const Apply& apply, bool whole_daemon_sets) {
  if (apply.object["kind"] == "DaemonSet") {
    EXPECT_TRUE(apply.force && !apply.dry_run_first && apply.field_manager == kFieldManager);
    return whole_daemon_sets ? apply.object : Shortened(apply.object);
  }
  return {{"object", apply.object},
          {"fieldManager", apply.field_manager},
          {"force", apply.force},
          {"dryRunFirst", apply.dry_run_first}};
}

Json Rendered(const Plan& plan, bool whole_daemon_sets) {
  Json rendered = {{"remove", Json::array()},
                   {"apply", Json::array()},
                   {"statuses", Json::object()},
                   {"events", Json::array()},
                   {"lookAgainAfter", nullptr}};
  for (const Removal& removal : plan.remove) {
    rendered["remove"].push_back(
        absl::StrCat(removal.kind, " ", removal.name_space, "/", removal.name, " ", removal.uid));
  }
  for (const Apply& apply : plan.apply) {
    rendered["apply"].push_back(RenderedApply(apply, whole_daemon_sets));
  }
  for (const NodePatch& patch : plan.node_patches) {
    rendered["nodePatches"][patch.node] = patch.patch;
  }
  for (const Json& object : plan.statuses) {
    rendered["statuses"][object["metadata"]["name"].get<std::string>()] = object["status"];
  }
  for (const ConfigEvent& told : plan.events) {
    rendered["events"].push_back(absl::StrCat(told.config, ": ",
                                              told.event.warning ? "Warning " : "Normal ",
                                              told.event.reason, ": ", told.event.note));
  }
  if (plan.look_again_after) {
    rendered["lookAgainAfter"] = absl::StrCat(plan.look_again_after->count(), " s");
  }
  return rendered;
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

class GoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, IsThePlan) {
  const fs::path file = kFolder / GetParam() / "expected.yaml";
  const Case loaded = Load(kFolder / GetParam());
  const Json rendered =
      Rendered(MakePlan(loaded.observed, TestSettings()), loaded.whole_daemon_sets);
  const std::string text = ToYaml(rendered);
  ASSERT_EQ(ParseYaml(text).value(), rendered);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(file) << text;
  EXPECT_EQ(ReadText(file), text);
}

TEST_P(GoldenTest, StatusesFitTheSchema) {
  const Case loaded = Load(kFolder / GetParam());
  const Json schema = SchemaOf(kConfigCrd)["properties"]["status"];
  for (const Json& object : MakePlan(loaded.observed, TestSettings()).statuses) {
    EXPECT_THAT(SchemaErrors(schema, object["status"]), IsEmpty());
  }
}

TEST_P(GoldenTest, CarriedOutThereIsNothingLeftToDo) {
  Case loaded = Load(kFolder / GetParam());
  // What is to be done in order is done step by step, and a status tells of the step before.
  constexpr int kSteps = 6;
  for (int step = 0; step < kSteps; ++step) {
    CarryOut(MakePlan(loaded.observed, TestSettings()), loaded.observed);
  }
  const Plan plan = MakePlan(loaded.observed, TestSettings());
  EXPECT_THAT(plan.remove, IsEmpty());
  EXPECT_THAT(plan.apply, IsEmpty());
  EXPECT_THAT(plan.node_patches, IsEmpty());
  EXPECT_THAT(plan.statuses, IsEmpty());
  EXPECT_THAT(plan.events, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTest, ::testing::ValuesIn(CaseNames()),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(GoldenCasesTest, ThereAreMany) { EXPECT_GE(CaseNames().size(), 20u); }

}  // namespace
}  // namespace nodedevice::testing
