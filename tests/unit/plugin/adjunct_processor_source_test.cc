// Family `adjunctProcessor` on a fake node: a directory tree in the place of the kernel's.
#include "plugin/discovery/adjunct_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "plugin/allocation.h"
#include "plugin/discovery/registry.h"
#include "plugin/zcrypt/ap_bus.h"
#include "plugin/zcrypt/ap_selection.h"
#include "tests/support/fake_ap_bus.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FakeApBus;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kResource[] = "cex.s390.ibm.com/cca";
constexpr char kMachine[] = "IBM-3906-00000000000829E7";
constexpr char kSysinfo[] =
    "Manufacturer:         IBM\n"
    "Type:                 3906\n"
    "LIC Identifier:       7d6a\n"
    "Model:                701              M05\n"
    "Sequence Code:        00000000000829E7\n"
    "Plant:                02\n"
    "VM00 Name:            LINUX1\n"
    "VM00 Type:            9999\n"
    "VM00 Manufacturer:    KVM";

class AdjunctProcessorSourceTest : public ::testing::Test {
 protected:
  AdjunctProcessorSourceTest() {
    bus_.Plug(3);
    bus_.AddQueue(3, 5);
  }

  static AdjunctProcessor Of(std::vector<Apqn> apqns) {
    AdjunctProcessor family;
    family.apqns = std::move(apqns);
    return family;
  }
  std::unique_ptr<AdjunctProcessorSource> Source(const AdjunctProcessor& family) {
    return std::make_unique<AdjunctProcessorSource>(kResource, family, HostRoot(node_.path()));
  }
  static Inventory ScanOf(AdjunctProcessorSource& source) {
    auto inventory = source.Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory{});
  }
  Inventory Scan(const AdjunctProcessor& family) { return ScanOf(*Source(family)); }
  DeviceSet Devices(const AdjunctProcessor& family) { return Scan(family).resources.at(kResource); }
  // What is wrong with the one device of the queue 03.0005.
  std::string Problem() {
    const DeviceSet set = Devices(Of({{3, 5, ""}}));
    EXPECT_THAT(set, ElementsAre(Key("apqn-3-5-0")));
    return set.empty() ? "no device" : set.begin()->second.problem;
  }

  testing::TempDir node_;
  FakeApBus bus_{node_};
};

TEST_F(AdjunctProcessorSourceTest, AQueueIsGivenAsANodeOfItsOwnAndItsPartOfSys) {
  const Inventory inventory = Scan(Of({{3, 5, ""}}));
  const DeviceSet& set = inventory.resources.at(kResource);
  ASSERT_THAT(set, ElementsAre(Key("apqn-3-5-0")));
  const Device& device = set.begin()->second;
  EXPECT_EQ(device.problem, "");
  EXPECT_THAT(device.nodes,
              ElementsAre(DeviceNode{"/dev/zcrypt-apqn-3-5-0", "/dev/z90crypt", "rw"}));
  const std::string shadow = "/var/tmp/shadowsysfs/sysfs-apqn-3-5-0/";
  EXPECT_THAT(device.mounts,
              ElementsAre(DeviceMount{shadow + "bus/ap", "/sys/bus/ap", true},
                          DeviceMount{shadow + "devices/ap", "/sys/devices/ap", true},
                          DeviceMount{shadow + "tmp_bus", "/sys/bus/ap/devices/03.0005", true}));
  EXPECT_THAT(device.numa_nodes, IsEmpty());
  EXPECT_THAT(inventory.notes, IsEmpty());
}

TEST_F(AdjunctProcessorSourceTest, WithoutLiveSysfsTheQueueItselfIsNotMounted) {
  AdjunctProcessor family = Of({{3, 5, ""}});
  family.live_sysfs = false;
  family.shadow_path = "/var/lib/x";
  const DeviceSet set = Devices(family);
  EXPECT_THAT(
      set.at("apqn-3-5-0").mounts,
      ElementsAre(DeviceMount{"/var/lib/x/sysfs-apqn-3-5-0/bus/ap", "/sys/bus/ap", true},
                  DeviceMount{"/var/lib/x/sysfs-apqn-3-5-0/devices/ap", "/sys/devices/ap", true}));
}

TEST_F(AdjunctProcessorSourceTest, OvercommitGivesAQueueToSeveralEachWithANodeOfItsOwn) {
  bus_.Plug(10);
  bus_.AddQueue(10, 255);
  AdjunctProcessor family = Of({{10, 255, ""}, {3, 5, ""}});
  family.overcommit = 3;
  const DeviceSet set = Devices(family);
  EXPECT_THAT(set, ElementsAre(Key("apqn-3-5-0"), Key("apqn-3-5-1"), Key("apqn-3-5-2"),
                               Key("apqn-10-255-0"), Key("apqn-10-255-1"), Key("apqn-10-255-2")));
  EXPECT_EQ(set.at("apqn-10-255-2").nodes[0].host_path, "/dev/zcrypt-apqn-10-255-2");
  EXPECT_EQ(set.at("apqn-10-255-2").mounts[2].container_path, "/sys/bus/ap/devices/0a.00ff");
}

TEST_F(AdjunctProcessorSourceTest, OneIdIsAnsweredAndTwoAreRefusedInWords) {
  AdjunctProcessor family = Of({{3, 5, ""}});
  family.overcommit = 2;
  PluginSpec spec;
  spec.name = "cca";
  spec.resource_name = kResource;
  spec.discovery = family;
  Announcement offered;
  offered.devices = Devices(family);
  EXPECT_TRUE(AnswerContainer(offered, spec, {"apqn-3-5-1"}).ok());
  const auto two = AnswerContainer(offered, spec, {"apqn-3-5-0", "apqn-3-5-1"});
  EXPECT_EQ(two.status().message(),
            "cex.s390.ibm.com/cca: two of the requested devices want the container path "
            "/dev/z90crypt; request one per container");
}

TEST_F(AdjunctProcessorSourceTest, WhatIsWrongIsSaidWithItsCauseFirst) {
  EXPECT_EQ(Problem(), "");
  const auto write = [&](const std::string& file, const char* text) { node_.Write(file, text); };
  write(FakeApBus::OfQueue(3, 5, "online"), "0\n");
  EXPECT_EQ(Problem(), "its queue 03.0005 is offline");
  write(FakeApBus::OfQueue(3, 5, "chkstop"), "1\n");
  EXPECT_EQ(Problem(), "its queue 03.0005 is in the state checkstop");
  write(FakeApBus::OfQueue(3, 5, "config"), "0\n");
  EXPECT_EQ(Problem(), "its queue 03.0005 is deconfigured");
  write(FakeApBus::OfCard(3, "chkstop"), "1\n");
  EXPECT_EQ(Problem(), "the card card03 is in the state checkstop");
  write(FakeApBus::OfCard(3, "config"), "0\n");
  EXPECT_EQ(Problem(), "the card card03 is deconfigured");
}

// IBM's own ends with a panic when `online` is empty.
TEST_F(AdjunctProcessorSourceTest, AnAttributeThatSaysNothingHarmsItsQueueOnly) {
  bus_.AddQueue(3, 6);
  for (const char* text : {"", "\n", "offline\n"}) {
    node_.Write(FakeApBus::OfQueue(3, 5, "online"), text);
    const DeviceSet set = Devices(Of({{3, 5, ""}, {3, 6, ""}}));
    EXPECT_NE(set.at("apqn-3-5-0").problem, "") << text;
    EXPECT_EQ(set.at("apqn-3-6-0").problem, "");
  }
  node_.Remove(FakeApBus::OfQueue(3, 5, "online"));
  EXPECT_THAT(Problem(), StartsWith("the kernel does not say whether its queue 03.0005 is online"));
}

TEST_F(AdjunctProcessorSourceTest, OlderKernelsSayLess) {
  for (const char* name : {"config", "chkstop"}) {
    node_.Remove(FakeApBus::OfCard(3, name));
    node_.Remove(FakeApBus::OfQueue(3, 5, name));
  }
  EXPECT_EQ(Problem(), "");
}

TEST_F(AdjunctProcessorSourceTest, ACardOfAnUnreadableTypeHarmsOnlyItself) {
  bus_.Plug(4, "\x01garbage\xff");
  bus_.AddQueue(4, 5);
  bus_.Plug(5, "PCICC");
  bus_.AddQueue(5, 5);
  bus_.Plug(6);
  bus_.AddQueue(6, 5);
  node_.Remove(FakeApBus::OfCard(6, "type"));
  AdjunctProcessor family = Of({{3, 5, ""}, {4, 5, ""}, {5, 5, ""}, {6, 5, ""}});
  family.mode = CexMode::kCca;
  const DeviceSet set = Devices(family);
  EXPECT_EQ(set.at("apqn-3-5-0").problem, "");
  EXPECT_EQ(set.at("apqn-4-5-0").problem,
            "the card card04 is of the type 'garbage?', which is none of CEX4 and later such as "
            "CEX7C");
  EXPECT_THAT(set.at("apqn-5-5-0").problem, HasSubstr("'PCICC'"));
  EXPECT_THAT(set.at("apqn-6-5-0").problem, StartsWith("what kind of card card06 is cannot be "));
}

TEST_F(AdjunctProcessorSourceTest, ModeAndGenerationAreAskedFor) {
  bus_.Plug(4, "CEX8P");
  bus_.AddQueue(4, 5);
  bus_.Plug(5, "CEX4A");
  bus_.AddQueue(5, 5);
  bus_.Plug(6, "CEX10C");
  bus_.AddQueue(6, 5);
  AdjunctProcessor family = Of({{3, 5, ""}, {4, 5, ""}, {5, 5, ""}, {6, 5, ""}});
  family.mode = CexMode::kCca;
  EXPECT_THAT(Devices(family), ElementsAre(Key("apqn-3-5-0"), Key("apqn-6-5-0")));
  family.mode = CexMode::kEp11;
  EXPECT_THAT(Devices(family), ElementsAre(Key("apqn-4-5-0")));
  family.mode = CexMode::kAccel;
  EXPECT_THAT(Devices(family), ElementsAre(Key("apqn-5-5-0")));
  // As numbers: as text, CEX10 would come before cex9.
  family.mode = std::nullopt;
  family.min_generation = 9;
  EXPECT_THAT(Devices(family), ElementsAre(Key("apqn-6-5-0")));
  family.min_generation = 7;
  EXPECT_THAT(Devices(family),
              ElementsAre(Key("apqn-3-5-0"), Key("apqn-4-5-0"), Key("apqn-6-5-0")));
}

TEST_F(AdjunctProcessorSourceTest, WhatIsNotAnnouncedIsInTheNotes) {
  bus_.AddQueue(3, 6);
  AdjunctProcessor family = Of({{3, 5, ""}, {3, 6, ""}, {3, 7, ""}, {9, 1, ""}});
  family.mode = CexMode::kEp11;
  family.min_generation = 8;
  const Inventory inventory = Scan(family);
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes,
              ElementsAre("not on this node: queues 03.0007, 09.0001",
                          "card03 is a CEX7C, and the entry wants ep11, at least cex8"));
}

TEST_F(AdjunctProcessorSourceTest, AQueueThatWasHereStaysWithWhatBecameOfIt) {
  bus_.Plug(4);
  bus_.AddQueue(4, 5);
  AdjunctProcessor family = Of({{3, 5, ""}, {4, 5, ""}});
  family.mode = CexMode::kCca;
  const auto source = Source(family);
  ASSERT_THAT(ScanOf(*source).resources.at(kResource), SizeIs(2));
  node_.Remove("sys/devices/ap/card04");
  DeviceSet set = ScanOf(*source).resources.at(kResource);
  EXPECT_EQ(set.at("apqn-4-5-0").problem, "there is no card card04 any more");
  EXPECT_EQ(set.at("apqn-3-5-0").problem, "");
  bus_.Plug(4);
  set = ScanOf(*source).resources.at(kResource);
  EXPECT_EQ(set.at("apqn-4-5-0").problem, "card04 has no queue 04.0005 any more");
  bus_.AddQueue(4, 5);
  bus_.Plug(4, "CEX7P");
  set = ScanOf(*source).resources.at(kResource);
  EXPECT_EQ(set.at("apqn-4-5-0").problem, "card04 is a CEX7P, and the entry wants cca");
  bus_.Plug(4);
  set = ScanOf(*source).resources.at(kResource);
  EXPECT_EQ(set.at("apqn-4-5-0").problem, "");
}

TEST_F(AdjunctProcessorSourceTest, WithoutNodesOfTheKernelNothingIsGivenAway) {
  node_.Remove("sys/class/zcrypt");
  EXPECT_THAT(Problem(), StartsWith("/sys/class/zcrypt/create does not exist: this kernel"));
}

TEST_F(AdjunctProcessorSourceTest, ANodeWithoutTheBusSaysSo) {
  node_.Remove("sys");
  const Inventory inventory = Scan(Of({{3, 5, ""}}));
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes, ElementsAre(StartsWith("/sys/bus/ap does not exist"),
                                           "not on this node: queue 03.0005"));
}

TEST_F(AdjunctProcessorSourceTest, QueuesOfOtherMachinesAreLeftOut) {
  node_.Write("proc/sysinfo", kSysinfo);
  bus_.AddQueue(3, 6);
  bus_.AddQueue(3, 7);
  const Inventory inventory =
      Scan(Of({{3, 5, kMachine}, {3, 6, "IBM-8561-00000000000829E7"}, {3, 7, ""}}));
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("apqn-3-5-0"), Key("apqn-3-7-0")));
  EXPECT_THAT(inventory.notes, IsEmpty());
}

TEST_F(AdjunctProcessorSourceTest, AMachineThatDoesNotSayItsIdIsANote) {
  node_.Write("proc/sysinfo", "Manufacturer: IBM\nVM00 Type: 3906\n");
  bus_.AddQueue(3, 7);
  const Inventory inventory = Scan(Of({{3, 5, kMachine}, {3, 7, ""}}));
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("apqn-3-7-0")));
  EXPECT_THAT(inventory.notes, ElementsAre(StartsWith("the id of this machine cannot be told")));
}

// A later line of a guest, or a last line without an end, misleads IBM's own.
TEST_F(AdjunctProcessorSourceTest, TheMachineIsNotItsGuests) {
  EXPECT_EQ(ParseMachineId(kSysinfo), kMachine);
  EXPECT_EQ(ParseMachineId("Manufacturer: IBM\nType: 1\nSequence Code: 2"), "IBM-1-2");
  EXPECT_EQ(ParseMachineId("Manufacturer: IBM\nType: 1\n"), std::nullopt);
  EXPECT_EQ(ParseMachineId(""), std::nullopt);
}

TEST_F(AdjunctProcessorSourceTest, TypesOfCards) {
  EXPECT_EQ(ParseApCardType("CEX5A"), (ApCardType{5, CexMode::kAccel}));
  EXPECT_EQ(ParseApCardType("CEX6C"), (ApCardType{6, CexMode::kCca}));
  EXPECT_EQ(ParseApCardType("CEX12P"), (ApCardType{12, CexMode::kEp11}));
  for (const char* text : {"", "CEX", "CEX7", "CEXC", "CEX7X", "cex7C", "CEX-7C", "CEX+7C",
                           "CEX7C ", "CEX99999999999C", "PCICA"}) {
    EXPECT_EQ(ParseApCardType(text), std::nullopt) << text;
  }
}

TEST_F(AdjunctProcessorSourceTest, GarbageBesideTheCardsIsPassedOver) {
  for (int i = 0; i < 4096; ++i) {
    fs::create_directories(node_.Under("sys/devices/ap/card" + std::to_string(100 + i)));
  }
  fs::create_symlink("nowhere", node_.Under("sys/devices/ap/card07"));
  fs::create_symlink("card08", node_.Under("sys/devices/ap/card08"));
  node_.Write("sys/devices/ap/card09", "no folder");
  bus_.Plug(10);
  node_.Write("sys/devices/ap/card0a/0a.0005", "no folder");
  std::vector<Apqn> all;
  for (int adapter = 0; adapter < 16; ++adapter) {
    for (int domain = 0; domain < 256; ++domain) all.push_back({adapter, domain, ""});
  }
  const Inventory inventory = Scan(Of(all));
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("apqn-3-5-0")));
  EXPECT_THAT(inventory.notes,
              ElementsAre("not on this node: queues 00.0000, 00.0001, 00.0002, 00.0003, 00.0004, "
                          "00.0005, 00.0006, 00.0007 and 4087 more"));
}

// ---- IBM's configuration file ---------------------------------------------------------------

class ConfigFileTest : public AdjunctProcessorSourceTest {
 protected:
  static constexpr char kFile[] = "etc/cex/cex_resources.json";

  ConfigFileTest() {
    family_.config_file = std::string("/") + kFile;
    family_.set = "cca";
    bus_.AddQueue(3, 6);
  }
  void Say(const std::string& of_the_set,
           const std::string& apqns = R"({"adapter":3,"domain":5})") {
    node_.Write(kFile, R"({"cryptoconfigsets":[{"setname":"cca","project":"a",)" + of_the_set +
                           R"("apqns":[)" + apqns + "]}]}");
  }

  AdjunctProcessor family_;
};

TEST_F(ConfigFileTest, WhatTheSetSaysIsHonoured) {
  Say(R"("overcommit":2,"livesysfs":0,)");
  const Inventory inventory = Scan(family_);
  const DeviceSet& set = inventory.resources.at(kResource);
  EXPECT_THAT(set, ElementsAre(Key("apqn-3-5-0"), Key("apqn-3-5-1")));
  EXPECT_THAT(set.at("apqn-3-5-0").mounts, SizeIs(2));
  EXPECT_THAT(inventory.notes, IsEmpty());
  EXPECT_THAT(inventory.directories, Contains(node_.path() / "etc/cex"));
  Say(R"("cexmode":"ep11",)");
  EXPECT_THAT(Devices(family_), IsEmpty());
  Say(R"("mincexgen":"cex8",)");
  EXPECT_THAT(Devices(family_), IsEmpty());
  Say(R"("mincexgen":"cex7","cexmode":"cca",)");
  EXPECT_THAT(Devices(family_), SizeIs(1));
}

TEST_F(ConfigFileTest, AnEditIsTakenOverAndABadOneIsNot) {
  const auto source = Source(family_);
  Say("");
  EXPECT_THAT(ScanOf(*source).resources.at(kResource), ElementsAre(Key("apqn-3-5-0")));
  Say("", R"({"adapter":3,"domain":6})");
  EXPECT_THAT(ScanOf(*source).resources.at(kResource), ElementsAre(Key("apqn-3-6-0")));
  Say(R"("cexmode":"CCA",)");
  Inventory inventory = ScanOf(*source);
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("apqn-3-6-0")));
  EXPECT_THAT(inventory.notes,
              ElementsAre("/etc/cex/cex_resources.json is not in force, what it said last is: "
                          "cryptoconfigsets[0].cexmode: must be one of ep11, cca, accel, is "
                          "'CCA'"));
  node_.Remove(kFile);
  inventory = ScanOf(*source);
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("apqn-3-6-0")));
  EXPECT_THAT(inventory.notes, ElementsAre(HasSubstr("No such file or directory")));
  Say("");
  inventory = ScanOf(*source);
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("apqn-3-5-0")));
  EXPECT_THAT(inventory.notes, IsEmpty());
}

TEST_F(ConfigFileTest, WithNothingSaidYetThereAreNoQueues) {
  const Inventory inventory = Scan(family_);
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes, SizeIs(1));
}

TEST_F(ConfigFileTest, ASetThatIsNotThereIsANote) {
  node_.Write(kFile, "{}");
  const Inventory inventory = Scan(family_);
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes, ElementsAre("/etc/cex/cex_resources.json has no set 'cca'"));
}

// A ConfigMap's file is a link to a link; a new version replaces the inner one.
TEST_F(ConfigFileTest, ALinkIsFollowedBelowTheHostsRoot) {
  Say("");
  fs::create_directories(node_.Under("var/config/..data"));
  fs::rename(node_.path() / kFile, node_.path() / "var/config/..data/cex_resources.json");
  fs::create_symlink("/var/config/..data/cex_resources.json", node_.path() / kFile);
  const Inventory inventory = Scan(family_);
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("apqn-3-5-0")));
  EXPECT_THAT(inventory.directories,
              ElementsAre(node_.path() / "etc/cex", node_.path() / "var/config/..data"));
}

TEST_F(AdjunctProcessorSourceTest, TheRegistryKnowsIt) {
  PluginSpec spec;
  spec.resource_name = kResource;
  spec.discovery = Of({{3, 5, ""}});
  const auto source = MakeSource(spec, HostRoot(node_.path()));
  ASSERT_TRUE(source.ok());
  EXPECT_THAT((*source)->Scan()->resources.at(kResource), SizeIs(1));
  EXPECT_NE((*source)->MakePreparer(), nullptr);
}

}  // namespace
}  // namespace nodedevice
