// Every sample configuration is played by `make run` on a node that has what it names.
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/api/device_plugin_config.h"
#include "lib/base/file.h"
#include "tests/support/fake_hardware.h"
#include "tests/support/fake_pci_bus.h"
#include "tests/support/places.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

void MakeNodes(const TempDir& node, const std::vector<std::string>& names) {
  for (const std::string& name : names) node.MakeNode("dev/" + name);
}

// Virtual functions of the physical one with this interface, from 0.
void PlugVirtualFunctions(const TempDir& node, const std::string& interface,
                          const std::string& physical, const std::vector<std::string>& drivers) {
  const FakePciBus bus(node);
  bus.Plug({.address = physical, .driver = "i40e"});
  node.Write(FakePciBus::Of(physical, "net/" + interface + "/operstate"), "up\n");
  for (std::size_t i = 0; i < drivers.size(); ++i) {
    const std::string number = std::to_string(i);
    const std::string address = physical.substr(0, 8) + "02." + number;
    const std::string group = "1" + physical.substr(physical.size() - 1) + number;
    bus.Plug({.address = address, .device = "154c", .driver = drivers[i], .group = group});
    bus.MakeVirtual(physical, address, static_cast<int>(i));
    bus.MakeGroupNode(group);
  }
}

void FurnishDpdk(const TempDir& node) {
  const std::vector<std::string> drivers = {"vfio-pci", "vfio-pci", "vfio-pci", "vfio-pci",
                                            "iavf",     "iavf",     "iavf",     "iavf"};
  PlugVirtualFunctions(node, "ens1f0", "0000:3b:00.0", drivers);
  PlugVirtualFunctions(node, "ens1f1", "0000:3c:00.1", drivers);
}

void FurnishVirtualization(const TempDir& node) {
  MakeNodes(node, {"kvm", "net/tun", "vhost-net", "vhost-vsock", "sev"});
  PlugVirtualGpus(node);  // 0000:3b:00.0
  PlugSecurityKeys(node);
  PlugUsb(node, "6", {"46f4", "0001", "STICK"});  // goes with one of them
  const FakePciBus bus(node);
  bus.Plug({.address = "0000:5e:00.0", .driver = "vfio-pci", .group = "5"});
  bus.MakeGroupNode("5");
  // Nothing acts on what is written to a fake node: this one is bound already.
  bus.Plug({.address = "0000:af:00.0",
            .vendor = "10de",
            .device = "1eb8",
            .class_code = "030200",
            .driver = "vfio-pci",
            .group = "6"});
  bus.MakeGroupNode("6");
  PlugVirtualFunctions(node, "ens1f0", "0000:d8:00.0", {"vfio-pci", "vfio-pci"});
}

void FurnishAdjunctProcessor(const TempDir& node) {
  PlugCryptoCards(node);
  node.Write("etc/cex/cex_resources.json",
             R"({"cryptoconfigsets": [{"setname": "EP11_for_shop", "project": "shop",
                 "cexmode": "ep11", "apqns": [{"adapter": 4, "domain": 6}]}]})");
}

void FurnishSerialAdapters(const TempDir& node) {
  MakeNodes(node, {"ttyUSB0"});
  PlugUsb(node, "4", {"0403", "6001", "FT1"});
  PlugUsb(node, "5", {"1a86", "7523", "A50285BI"});
}

void FurnishSoundCard(const TempDir& node) {
  MakeNodes(node, {"snd/controlC0", "snd/pcmC0D0p", "snd/timer"});
  fs::create_directories(node.Under("usr/share/alsa"));
}

// Makes what a sample names.
using Furnish = std::function<void(const TempDir&)>;

Furnish Nodes(const std::vector<std::string>& names) {
  return [names](const TempDir& node) { MakeNodes(node, names); };
}

// By the file below operator-manifests.
const std::map<std::string, Furnish>& Samples() {
  static const std::map<std::string, Furnish> samples = {
      {"samples/adjunct-processor.yaml", FurnishAdjunctProcessor},
      {"samples/dpdk.yaml", FurnishDpdk},
      {"samples/gpu.yaml",
       [](const TempDir& node) { PlugGpus(node, "run/nvidia/driver/usr/lib64"); }},
      {"samples/laptop.yaml",
       Nodes({"fuse", "net/tun", "kvm", "loop0", "ttyUSB0", "video0", "dri/renderD128"})},
      {"samples/onload.yaml", PlugOnloadCard},
      {"samples/serial-adapters.yaml", FurnishSerialAdapters},
      {"samples/sound-card.yaml", FurnishSoundCard},
      {"samples/static.yaml", Nodes({"null", "zero"})},
      {"samples/vendor-plugin.yaml", Nodes({})},
      {"samples/virtualization.yaml", FurnishVirtualization},
      {"samples/worker-pool.yaml", Nodes({"fuse", "ttyUSB0"})},
      {"samples/workshop.yaml", Nodes({"fuse", "ttyUSB0"})},
      {"standalone/devices.yaml", Nodes({"kvm", "fuse", "ttyUSB0"})},
  };
  return samples;
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& [name, furnish] : Samples()) names.push_back(name);
  return names;
}

class SampleTest : public ::testing::TestWithParam<std::string> {};

TEST_P(SampleTest, GivesItsDevicesToAPod) {
  const TempDir node;
  const TempDir work;
  Samples().at(GetParam())(node);
  std::string text =
      ReadFile(SourceRoot() / "operator-manifests" / GetParam(), 1u << 20).value_or("");
  // The one that names a vendor's program gets one.
  const std::string program = "[/opt/vendor/device-plugin, --log-level, info]";
  if (const std::size_t at = text.find(program); at != std::string::npos) {
    text.replace(
        at, program.size(),
        absl::StrCat("[", (ProgramFolder() / "fake-device-plugin").string(), ", ",
                     (work.path() / "k/device-plugins").string(), ", vendor.example/thing]"));
  }
  const fs::path config = work.Write("config.yaml", text);
  const auto parsed = ParseDevicePluginConfigYaml(text);
  ASSERT_TRUE(parsed.ok()) << ToString(parsed.errors);

  const ProgramResult run = RunProgram(
      {"/usr/bin/env", "BIN=" + ProgramFolder().string(), "CONFIG=" + config.string(),
       "HOST_ROOT=" + node.path().string(), "KUBELET_DIR=" + (work.path() / "k").string(),
       "LISTEN=127.0.0.1:0", "RUN_ONCE=1", (SourceRoot() / "scripts/run.sh").string()},
      work.path() / "run.log");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("\"admitted\": true"));
  EXPECT_THAT(run.output, ::testing::Not(HasSubstr("\"waiting\"")));
  for (const PluginSpec& plugin : parsed.value.plugins) {
    // Its capacity and what can be allocated.
    EXPECT_THAT(run.output, ContainsRegex(plugin.resource_name + " +[1-9][0-9]* +[1-9]"))
        << run.output;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, SampleTest, ::testing::ValuesIn(Names()),
                         [](const ::testing::TestParamInfo<std::string>& sample) {
                           std::string name = fs::path(sample.param).stem();
                           std::erase(name, '-');
                           return name;
                         });

TEST(SamplesTest, EachIsPlayed) {
  std::set<std::string> files = {"standalone/devices.yaml"};
  for (const std::string& name : NamesIn(SourceRoot() / "operator-manifests/samples")) {
    if (name != "kustomization.yaml") files.insert("samples/" + name);
  }
  const std::vector<std::string> names = Names();
  EXPECT_EQ(files, std::set<std::string>(names.begin(), names.end()));
}

}  // namespace
}  // namespace nodedevice::testing
