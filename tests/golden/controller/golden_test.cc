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
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/yaml.h"
#include "lib/kube/object_fields.h"
#include "tests/architecture/crd_schema.h"
#include "tests/support/yaml_text.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::IsEmpty;

const fs::path kFolder = fs::path(NODEDEVICE_SOURCE_DIR) / "tests/golden/controller";

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
    observed.pools->push_back(object);
  } else if (kind == "NodeDeviceState") {
    observed.states.push_back(ReadState(object));
  } else if (kind == "Pod") {
    observed.pods.push_back(ReadPod(object));
  } else if (kind == "DaemonSet") {
    observed.daemon_sets.push_back(object);
  } else {
    throw std::runtime_error("nothing of this kind is read: " + kind);
  }
}

// "asRendered": what the plan would apply in its place, and the rest of it on top.
void RenderDaemonSets(Observed& observed) {
  const Plan plan = MakePlan(observed, TestSettings());
  for (Json& daemon_set : observed.daemon_sets) {
    if (!daemon_set.value("asRendered", false)) continue;
    daemon_set.erase("asRendered");
    const auto applied = std::ranges::find_if(plan.apply, [&](const Json& object) {
      return object["metadata"]["name"] == daemon_set["metadata"]["name"];
    });
    if (applied == plan.apply.end()) throw std::runtime_error("this DaemonSet is not rendered");
    Json whole = *applied;
    whole.merge_patch(daemon_set);
    daemon_set = std::move(whole);
  }
}

Case Load(const fs::path& folder) {
  Case loaded;
  loaded.observed.now = ReadApiTime("2026-01-02T12:00:00Z");
  if (fs::exists(folder / "observed/pools.yaml")) loaded.observed.pools = Json::array();
  if (fs::exists(folder / "cr.yaml")) Add(ReadYaml(folder / "cr.yaml"), loaded);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder / "observed")) files.push_back(entry);
  std::ranges::sort(files);
  for (const fs::path& file : files) Add(ReadYaml(file), loaded);
  RenderDaemonSets(loaded.observed);
  return loaded;
}

// What differs from one configuration to another.
Json Shortened(const Json& daemon_set) {
  const Json& pod = daemon_set["spec"]["template"]["spec"];
  Json volumes = Json::array();
  for (const Json& volume : pod["volumes"]) volumes.push_back(volume["hostPath"]["path"]);
  return {{"name", daemon_set["metadata"]["name"]},
          {"args", pod["containers"][0]["args"].dump()},
          {"affinity", pod["affinity"]["nodeAffinity"]
                          ["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]},
          {"tolerations", pod["tolerations"]},
          {"volumes", volumes}};
}

Json Rendered(const Plan& plan, bool whole_daemon_sets) {
  Json rendered = {{"remove", Json::array()},
                   {"apply", Json::array()},
                   {"statuses", Json::object()},
                   {"lookAgainAfter", nullptr}};
  for (const Removal& removal : plan.remove) {
    rendered["remove"].push_back(
        absl::StrCat(removal.kind, " ", removal.name_space, "/", removal.name, " ", removal.uid));
  }
  for (const Json& object : plan.apply) {
    rendered["apply"].push_back(whole_daemon_sets ? object : Shortened(object));
  }
  for (const Json& object : plan.statuses) {
    rendered["statuses"][object["metadata"]["name"].get<std::string>()] = object["status"];
  }
  if (plan.look_again_after) {
    rendered["lookAgainAfter"] = absl::StrCat(plan.look_again_after->count(), " s");
  }
  return rendered;
}

// The cluster after the plan, as far as the controller goes.
void CarryOut(const Plan& plan, Observed& observed) {
  for (const Removal& removal : plan.remove) {
    std::erase_if(observed.daemon_sets, [&](const Json& daemon_set) {
      return TextAt(daemon_set, "/metadata/uid") == removal.uid;
    });
    std::erase_if(observed.states,
                  [&](const ObservedState& state) { return state.uid == removal.uid; });
  }
  for (const Json& object : plan.apply) {
    const auto has = std::ranges::find_if(observed.daemon_sets, [&](const Json& daemon_set) {
      return daemon_set["metadata"]["name"] == object["metadata"]["name"];
    });
    if (has == observed.daemon_sets.end()) {
      observed.daemon_sets.push_back(object);
      observed.daemon_sets.back()["metadata"]["uid"] = "new";
    } else {
      const Json status = ValueAt(*has, "/status");
      const Json uid = (*has)["metadata"]["uid"];
      *has = object;
      (*has)["metadata"]["uid"] = uid;
      if (!status.is_null()) (*has)["status"] = status;
    }
  }
  for (const Json& object : plan.statuses) {
    for (Json& config : observed.configs) {
      if (config["metadata"]["name"] == object["metadata"]["name"]) {
        config["status"] = object["status"];
      }
    }
  }
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
  // A status tells of the DaemonSet, so it follows one step behind.
  for (int step = 0; step < 2; ++step) {
    CarryOut(MakePlan(loaded.observed, TestSettings()), loaded.observed);
  }
  const Plan plan = MakePlan(loaded.observed, TestSettings());
  EXPECT_THAT(plan.remove, IsEmpty());
  EXPECT_THAT(plan.apply, IsEmpty());
  EXPECT_THAT(plan.statuses, IsEmpty());
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
