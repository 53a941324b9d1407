// Family pci on a real vfio: what the agent and a Device Manager make of PCI functions that a
// kernel with an IOMMU has, binds, unbinds and loses. The machine is a virtual one;
// `tests/cluster/vm/init` plays in it, and what it tells on its console is compared here.

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "lib/base/file.h"
#include "nlohmann/json.hpp"
#include "tests/cluster/stories/command.h"
#include "tests/support/places.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kNic[] = "0000:00:03.0";
constexpr char kPair0[] = "0000:01:00.0";
constexpr char kPair1[] = "0000:01:00.1";
constexpr char kHalf[] = "0000:02:00.0";
constexpr char kOtherHalf[] = "0000:02:00.1";
constexpr char kDemand0[] = "0000:03:00.0";
constexpr char kDemand1[] = "0000:03:00.1";
constexpr char kSlot[] = "0000:04:00.0";
constexpr char kId[] = "8086:10d3";

// What one run of the machine told. Every story looks at the same run.
class Console {
 public:
  explicit Console(const std::string& text) {
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      // "FACT scene name JSON"
      const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
      if (words[0] == "END" && words.size() == 2) end_ = words[1];
      if (words[0] != "FACT" || words.size() != 4) continue;
      facts_[absl::StrCat(words[1], " ", words[2])] =
          Json::parse(words[3], nullptr, /*allow_exceptions=*/false);
    }
  }
  // "0": all was played.
  const std::string& end() const { return end_; }
  // Throws when it was not told: a story cannot go on without it.
  const Json& Fact(const std::string& scene, const std::string& name) const {
    const auto found = facts_.find(absl::StrCat(scene, " ", name));
    if (found != facts_.end()) return found->second;
    throw std::runtime_error(absl::StrCat("the machine told no ", name, " in the scene ", scene));
  }

 private:
  std::map<std::string, Json> facts_;
  std::string end_;
};

class Vfio : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    const fs::path log = SourceRoot() / "build/vm/console.log";
    fs::remove(log);
    const CommandResult run = RunCommand({SourceRoot() / "tests/cluster/vm/run"});
    const std::string text = ReadFile(log, 4u << 20).value_or("");
    std::printf("%s%s", text.c_str(), run.error.c_str());
    console_ = std::make_unique<Console>(text);
    ASSERT_EQ(run.code, 0) << run.error;
    ASSERT_EQ(console_->end(), "0") << "see " << log;
  }
  static void TearDownTestSuite() { console_.reset(); }

 protected:
  static const Json& Fact(const std::string& scene, const std::string& name) {
    return console_->Fact(scene, name);
  }
  static std::string DriverOf(const std::string& scene, const std::string& address) {
    return Fact(scene, "functions").at(address).at("driver");
  }
  static std::string GroupOf(const std::string& scene, const std::string& address) {
    return Fact(scene, "functions").at(address).at("group");
  }
  static int Allocatable(const std::string& scene, const std::string& resource) {
    return Fact(scene, "resources").at("example.com/" + resource).at("allocatable");
  }
  // Empty: none of the resource's devices is unhealthy.
  static std::string ReasonOf(const std::string& scene, const std::string& resource,
                              const std::string& device) {
    for (const Json& one : Fact(scene, "unhealthy")) {
      if (one.at("resource") == "example.com/" + resource && one.at("device") == device) {
        return one.at("reason");
      }
    }
    return "";
  }
  // What a pod's only container got in this scene.
  static Json SpecOf(const std::string& scene) {
    const Json& admission = Fact(scene, "admit");
    EXPECT_EQ(admission.at("admitted"), true) << admission;
    return admission.at("containers").at(0).at("spec");
  }
  static Json DeviceNodes(const std::string& group) {
    Json nodes = Json::array();
    for (const std::string& path : {"/dev/vfio/" + group, std::string("/dev/vfio/vfio")}) {
      nodes.push_back({{"containerPath", path}, {"hostPath", path}, {"permissions", "mrw"}});
    }
    return nodes;
  }
  // What the kernel gave to the container: the group, and of each function what the function says.
  static Json Taken(const std::string& group, const std::vector<std::string>& addresses) {
    Json functions = Json::object();
    for (const std::string& address : addresses) functions[address] = kId;
    return {{"group", "/dev/vfio/" + group}, {"viable", true}, {"functions", functions}};
  }
  static std::string Variable(const Json& spec, const std::string& name) {
    return spec.at("envs").value(name, "");
  }

 private:
  static std::unique_ptr<Console> console_;
};
std::unique_ptr<Console> Vfio::console_;

TEST_F(Vfio, TheKernelPutsFunctionsIntoGroups) {
  const std::string nic = GroupOf("host-driver", kNic);
  EXPECT_EQ(Fact("boot", "groups").at(nic), Json::array({kNic}));
  const std::string pair = GroupOf("host-driver", kPair0);
  EXPECT_EQ(Fact("boot", "groups").at(pair), Json::array({kPair0, kPair1}));
  const std::string half = GroupOf("host-driver", kHalf);
  EXPECT_EQ(Fact("boot", "groups").at(half), Json::array({kHalf, kOtherHalf}));
}

TEST_F(Vfio, AFunctionOfTheHostIsUnhealthyWithTheDriverThatIsInTheWay) {
  EXPECT_EQ(DriverOf("host-driver", kNic), "e1000e");
  EXPECT_EQ(Fact("host-driver", "resources").at("example.com/nic").at("capacity"), 1);
  EXPECT_EQ(Allocatable("host-driver", "nic"), 0);
  EXPECT_EQ(ReasonOf("host-driver", "nic", kNic),
            absl::StrCat(kNic, " has the driver e1000e instead of vfio-pci"));
  EXPECT_EQ(Fact("host-driver", "admit").at("admitted"), false);
}

TEST_F(Vfio, BoundByHandItIsHealthyWithoutARestart) {
  EXPECT_EQ(DriverOf("bound", kNic), "vfio-pci");
  EXPECT_EQ(Allocatable("bound", "nic"), 1);
  EXPECT_EQ(ReasonOf("bound", "nic", kNic), "");
  for (const char* scene : {"bound", "plugged-bound"}) {
    EXPECT_EQ(Fact(scene, "processes"), Fact("host-driver", "processes")) << scene;
    EXPECT_EQ(Fact(scene, "restarts"), 0) << scene;
  }
}

TEST_F(Vfio, AContainerGetsTheNodeOfTheRealGroupAndTheKernelGivesItTheFunction) {
  const std::string group = GroupOf("bound", kNic);
  const Json spec = SpecOf("bound");
  EXPECT_EQ(spec.at("devices"), DeviceNodes(group));
  EXPECT_EQ(Variable(spec, "PCI_RESOURCE_EXAMPLE_COM_NIC"), kNic);
  EXPECT_EQ(Variable(spec, "PCIDEVICE_EXAMPLE_COM_NIC"), kNic);
  EXPECT_EQ(Fact("bound", "container"), Taken(group, {kNic}));
}

TEST_F(Vfio, HandedBackToTheHostItIsUnhealthy) {
  EXPECT_EQ(DriverOf("handed-back", kNic), "e1000e");
  EXPECT_EQ(Allocatable("handed-back", "nic"), 0);
  EXPECT_THAT(ReasonOf("handed-back", "nic", kNic), HasSubstr("e1000e"));
}

TEST_F(Vfio, TwoFunctionsOfAGroupAreOneDeviceAndHealthyWhenTheKernelLetsTheGroupGo) {
  EXPECT_EQ(GroupOf("half-bound", kPair0), GroupOf("half-bound", kPair1));
  for (const char* scene : {"host-driver", "half-bound"}) {
    EXPECT_EQ(Fact(scene, "resources").at("example.com/pair").at("capacity"), 1) << scene;
    EXPECT_EQ(Allocatable(scene, "pair"), 0) << scene;
  }
  EXPECT_EQ(ReasonOf("half-bound", "pair", kPair0),
            absl::StrCat(kPair1, " has the driver e1000e instead of vfio-pci"));
  // The kernel thinks so, too.
  EXPECT_EQ(Fact("half-bound", "pair").at("viable"), false);

  EXPECT_EQ(Allocatable("pair-bound", "pair"), 1);
  const std::string group = GroupOf("pair-bound", kPair0);
  const Json spec = SpecOf("pair-bound");
  EXPECT_EQ(spec.at("devices"), DeviceNodes(group));
  EXPECT_EQ(Variable(spec, "PCI_RESOURCE_EXAMPLE_COM_PAIR"), absl::StrCat(kPair0, ",", kPair1));
  EXPECT_EQ(Fact("pair-bound", "container"), Taken(group, {kPair0, kPair1}));
}

TEST_F(Vfio, AnotherFunctionOfTheGroupHoldsItBackUntilTheHostsDriverLeavesIt) {
  EXPECT_EQ(DriverOf("half-bound", kOtherHalf), "e1000e");
  EXPECT_EQ(Allocatable("half-bound", "half"), 0);
  EXPECT_THAT(ReasonOf("half-bound", "half", kHalf),
              HasSubstr(absl::StrCat(kOtherHalf, " of the same IOMMU group ",
                                     GroupOf("half-bound", kHalf), " has the driver e1000e")));
  EXPECT_EQ(Fact("half-bound", "half").at("viable"), false);

  EXPECT_EQ(DriverOf("half-freed", kOtherHalf), "");
  EXPECT_EQ(Allocatable("half-freed", "half"), 1);
  EXPECT_EQ(Variable(SpecOf("half-freed"), "PCI_RESOURCE_EXAMPLE_COM_HALF"), kHalf);
  EXPECT_EQ(Fact("half-freed", "container"), Taken(GroupOf("half-freed", kHalf), {kHalf}));
}

TEST_F(Vfio, WhatIsBoundOnDemandIsHealthyInTheHandsOfTheHostUnlessTheHostNeedsIt) {
  EXPECT_EQ(DriverOf("host-driver", kDemand0), "e1000e");
  EXPECT_EQ(Allocatable("host-driver", "demand"), 1);
  EXPECT_EQ(Allocatable("in-use", "demand"), 0);
  EXPECT_THAT(ReasonOf("in-use", "demand", kDemand0),
              StartsWith(absl::StrCat(kDemand1, " is needed by the host: its network interface ")));
}

TEST_F(Vfio, AContainerThatWantsItHasItBoundAndTheHostGetsItBack) {
  for (const char* function : {kDemand0, kDemand1}) {
    EXPECT_EQ(DriverOf("bound-on-demand", function), "vfio-pci") << function;
    EXPECT_EQ(DriverOf("given-back", function), "e1000e") << function;
  }
  const std::string group = GroupOf("bound-on-demand", kDemand0);
  const Json spec = SpecOf("bound-on-demand");
  EXPECT_EQ(spec.at("devices"), DeviceNodes(group));
  EXPECT_EQ(Variable(spec, "PCI_RESOURCE_EXAMPLE_COM_DEMAND"),
            absl::StrCat(kDemand0, ",", kDemand1));
  EXPECT_EQ(Fact("bound-on-demand", "container"), Taken(group, {kDemand0, kDemand1}));
  EXPECT_THAT(Fact("bound-on-demand", "nodes"), Contains("/dev/vfio/" + group));
  EXPECT_THAT(Fact("given-back", "nodes"), Not(Contains("/dev/vfio/" + group)));
  EXPECT_EQ(Allocatable("given-back", "demand"), 1);
}

TEST_F(Vfio, AnUnpluggedFunctionIsUnhealthyUntilItIsBackAndBound) {
  EXPECT_EQ(Allocatable("slot-bound", "slot"), 1);

  EXPECT_FALSE(Fact("unplugged", "functions").contains(kSlot));
  EXPECT_EQ(Fact("unplugged", "resources").at("example.com/slot").at("capacity"), 1);
  EXPECT_EQ(Allocatable("unplugged", "slot"), 0);
  EXPECT_THAT(ReasonOf("unplugged", "slot", kSlot),
              StartsWith("not all of /dev/vfio/vfio, /dev/vfio/"));

  // The kernel has forgotten that vfio-pci is to have it.
  EXPECT_EQ(DriverOf("plugged", kSlot), "e1000e");
  EXPECT_EQ(Allocatable("plugged", "slot"), 0);
  EXPECT_THAT(ReasonOf("plugged", "slot", kSlot), HasSubstr("e1000e"));

  EXPECT_EQ(Allocatable("plugged-bound", "slot"), 1);
  const std::string group = GroupOf("plugged-bound", kSlot);
  EXPECT_EQ(SpecOf("plugged-bound").at("devices"), DeviceNodes(group));
  EXPECT_EQ(Fact("plugged-bound", "container"), Taken(group, {kSlot}));
}

}  // namespace
}  // namespace nodedevice::testing
