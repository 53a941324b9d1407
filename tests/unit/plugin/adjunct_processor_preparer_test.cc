// Preparing queues of crypto cards on a fake node: what is written to the kernel and what is put
// together, line by line; and what is undone when something fails.
#include "plugin/zcrypt/adjunct_processor_preparer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "lib/base/file.h"
#include "tests/support/fake_ap_bus.h"
#include "tests/support/fake_zcrypt.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FakeApBus;
using testing::FakeZcrypt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using testing::ZcryptScript;

constexpr char kResource[] = "cex.s390.ibm.com/cca";
constexpr char kId[] = "apqn-3-5-0";
constexpr char kNode[] = "dev/zcrypt-apqn-3-5-0";
constexpr char kMasks[] = "sys/devices/virtual/zcrypt/zcrypt-apqn-3-5-0/";
constexpr char kTree[] = "var/tmp/shadowsysfs/sysfs-apqn-3-5-0";

// What the kernel is told of a node that is new.
constexpr char kNodeTrace[] = R"(write /sys/class/zcrypt/create zcrypt-apqn-3-5-0
wait /dev/zcrypt-apqn-3-5-0
chmod 666 /dev/zcrypt-apqn-3-5-0
write /sys/devices/virtual/zcrypt/zcrypt-apqn-3-5-0/apmask +3\n
write /sys/devices/virtual/zcrypt/zcrypt-apqn-3-5-0/aqmask +5\n
write /sys/devices/virtual/zcrypt/zcrypt-apqn-3-5-0/ioctlmask +0,+1,+2,+3,+4,+5,+6...+254,+255\n
)";

// <new> is the folder in which a tree is put together, <0> and <f> are 62 of these digits.
constexpr char kStaticTreeTrace[] = R"(folder /var/tmp/shadowsysfs
label /var/tmp/shadowsysfs
remove <new>
folder <new>/bus/ap
file <new>/bus/ap/ap_adapter_mask 0x10<0>\n
file <new>/bus/ap/ap_control_domain_mask 0x00<0>\n
file <new>/bus/ap/ap_domain 5\n
file <new>/bus/ap/ap_interrupts 1\n
file <new>/bus/ap/ap_max_adapter_id 255\n
file <new>/bus/ap/ap_max_domain_id 84\n
file <new>/bus/ap/ap_usage_domain_mask 0x04<0>\n
file <new>/bus/ap/apmask 0xff<f>\n
file <new>/bus/ap/aqmask 0xff<f>\n
folder <new>/bus/ap/devices
link <new>/bus/ap/devices/03.0005 ../../../devices/ap/card03/03.0005
link <new>/bus/ap/devices/card03 ../../../devices/ap/card03
folder <new>/bus/ap/drivers/cex4card
link <new>/bus/ap/drivers/cex4card/card03 ../../../../devices/ap/card03
folder <new>/bus/ap/drivers/cex4queue
link <new>/bus/ap/drivers/cex4queue/03.0005 ../../../../devices/ap/card03/03.0005
file <new>/bus/ap/poll_thread 0\n
file <new>/bus/ap/poll_timeout 1500000\n
folder <new>/devices/ap/card03/03.0005
link <new>/devices/ap/card03/03.0005/driver ../../../../bus/ap/drivers/cex4queue
file <new>/devices/ap/card03/03.0005/interrupt Interrupts enabled.\n
file <new>/devices/ap/card03/03.0005/load 0\n
file <new>/devices/ap/card03/03.0005/mkvps AES NEW: empty 0x0\n
file <new>/devices/ap/card03/03.0005/online 1\n
file <new>/devices/ap/card03/03.0005/pendingq_count 0\n
file <new>/devices/ap/card03/03.0005/request_count 0\n
file <new>/devices/ap/card03/03.0005/requestq_count 0\n
file <new>/devices/ap/card03/03.0005/reset No Reset Timer set.\n
link <new>/devices/ap/card03/03.0005/subsystem ../../../../bus/ap
folder <new>/devices/ap/card03
file <new>/devices/ap/card03/ap_functions 0x92000000\n
file <new>/devices/ap/card03/depth 8\n
link <new>/devices/ap/card03/driver ../../../bus/ap/drivers/cex4card
file <new>/devices/ap/card03/hwtype 13\n
file <new>/devices/ap/card03/load 0\n
file <new>/devices/ap/card03/online 1\n
file <new>/devices/ap/card03/pendingq_count 0\n
file <new>/devices/ap/card03/raw_hwtype 13\n
file <new>/devices/ap/card03/request_count 0\n
file <new>/devices/ap/card03/requestq_count 0\n
file <new>/devices/ap/card03/serialnr 93AADDYK\n
link <new>/devices/ap/card03/subsystem ../../../bus/ap
file <new>/devices/ap/card03/type CEX7C\n
folder <new>
file <new>/resource cex.s390.ibm.com/cca\n
remove /var/tmp/shadowsysfs/sysfs-apqn-3-5-0
rename <new> /var/tmp/shadowsysfs/sysfs-apqn-3-5-0
)";

// With live counters: the card's are the queue's, and the queue itself is mounted over its own.
std::string LiveTreeTrace() {
  return absl::StrReplaceAll(
      kStaticTreeTrace, {{"file <new>/devices/ap/card03/online 1\\n",
                          "link <new>/devices/ap/card03/online 03.0005/online"},
                         {"file <new>/devices/ap/card03/pendingq_count 0\\n",
                          "link <new>/devices/ap/card03/pendingq_count 03.0005/pendingq_count"},
                         {"file <new>/devices/ap/card03/request_count 0\\n",
                          "link <new>/devices/ap/card03/request_count 03.0005/request_count"},
                         {"file <new>/devices/ap/card03/requestq_count 0\\n",
                          "link <new>/devices/ap/card03/requestq_count 03.0005/requestq_count"},
                         {"file <new>/resource cex.s390.ibm.com/cca\\n\n",
                          "file <new>/resource cex.s390.ibm.com/cca\\n\n"
                          "link <new>/tmp_bus /sys/devices/ap/card03/03.0005\n"}});
}

std::string Spelled(const std::string& golden) {
  return absl::StrReplaceAll(golden, {{"<new>", "/var/tmp/shadowsysfs/new-sysfs-apqn-3-5-0"},
                                      {"<0>", std::string(62, '0')},
                                      {"<f>", std::string(62, 'f')}});
}

class AdjunctProcessorPreparerTest : public ::testing::Test {
 protected:
  AdjunctProcessorPreparerTest() {
    bus_.Plug(3);
    bus_.AddQueue(3, 5);
    family_.apqns = {{3, 5, ""}};
  }

  std::unique_ptr<AdjunctProcessorPreparer> Preparer(const std::string& resource = kResource) {
    const HostRoot host(node_.path());
    return std::make_unique<AdjunctProcessorPreparer>(
        resource, std::make_shared<ApSelection>(family_, host), host,
        std::make_unique<FakeZcrypt>(node_, script_));
  }
  absl::Status Prepare(const std::string& id = kId) {
    script_.trace.clear();
    return Preparer()->Prepare(id);
  }
  absl::Status Release(const std::string& id = kId) {
    script_.trace.clear();
    return Preparer()->Release(id);
  }
  std::string Trace() const {
    return script_.trace.empty() ? "" : absl::StrJoin(script_.trace, "\n") + "\n";
  }
  // What was told to the kernel, without the tree.
  std::vector<std::string> Writes() const {
    std::vector<std::string> writes;
    for (const std::string& line : script_.trace) {
      if (line.starts_with("write ") || line.starts_with("chmod ")) writes.push_back(line);
    }
    return writes;
  }
  bool Exists(const std::string& path) const {
    return fs::exists(fs::symlink_status(node_.path() / path));
  }
  std::string Text(const std::string& path) const {
    return ReadFile(node_.path() / path, 4096).value_or("(missing)");
  }
  unsigned Mode(const std::string& path) const {
    struct stat info = {};
    return ::lstat((node_.path() / path).c_str(), &info) == 0 ? info.st_mode & 0777u : 0u;
  }
  // All that is below a folder: its mode and path, and where a link leads.
  std::vector<std::string> Listing(const std::string& folder) const {
    std::vector<std::string> lines;
    for (const auto& entry : fs::recursive_directory_iterator(node_.path() / folder)) {
      std::string line = entry.path().lexically_relative(node_.path() / folder).string();
      if (entry.is_symlink()) {
        line += " -> " + fs::read_symlink(entry.path()).string();
      } else {
        line += entry.is_directory() ? "/" : "";
        const unsigned mode = Mode(entry.path().lexically_relative(node_.path()).string());
        EXPECT_EQ(mode, entry.is_directory() ? 0755u : 0444u) << line;
      }
      lines.push_back(line);
    }
    std::ranges::sort(lines);
    return lines;
  }
  // Nothing is there that Prepare() makes.
  void ExpectNothingMade() const {
    EXPECT_FALSE(Exists(kNode));
    EXPECT_FALSE(Exists(kMasks));
    EXPECT_FALSE(Exists(kTree));
  }

  testing::TempDir node_;
  FakeApBus bus_{node_};
  AdjunctProcessor family_;
  ZcryptScript script_;
};

TEST_F(AdjunctProcessorPreparerTest, ALiveDeviceIsMadeStepByStep) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_EQ(Trace(), Spelled(kNodeTrace + LiveTreeTrace()));
}

TEST_F(AdjunctProcessorPreparerTest, AStaticDeviceIsMadeStepByStep) {
  family_.live_sysfs = false;
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_EQ(Trace(), Spelled(std::string(kNodeTrace) + kStaticTreeTrace));
}

TEST_F(AdjunctProcessorPreparerTest, TheNodeReachesItsQueueAndNothingElse) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_EQ(Mode(kNode), 0666u);
  EXPECT_EQ(Text(std::string(kMasks) + "apmask"), "0x1" + std::string(63, '0') + "\n");
  EXPECT_EQ(Text(std::string(kMasks) + "aqmask"), "0x04" + std::string(62, '0') + "\n");
  EXPECT_EQ(Text(std::string(kMasks) + "ioctlmask"), "0x" + std::string(64, 'f') + "\n");
  EXPECT_EQ(Text(std::string(kMasks) + "admask"), "0x" + std::string(64, '0') + "\n");
}

TEST_F(AdjunctProcessorPreparerTest, TheTreeHasTheCardAndTheQueueOnly) {
  bus_.AddQueue(3, 6);
  bus_.Plug(4);
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_THAT(
      Listing(kTree),
      ElementsAre(
          "bus/", "bus/ap/", "bus/ap/ap_adapter_mask", "bus/ap/ap_control_domain_mask",
          "bus/ap/ap_domain", "bus/ap/ap_interrupts", "bus/ap/ap_max_adapter_id",
          "bus/ap/ap_max_domain_id", "bus/ap/ap_usage_domain_mask", "bus/ap/apmask",
          "bus/ap/aqmask", "bus/ap/devices/",
          "bus/ap/devices/03.0005 -> ../../../devices/ap/card03/03.0005",
          "bus/ap/devices/card03 -> ../../../devices/ap/card03", "bus/ap/drivers/",
          "bus/ap/drivers/cex4card/",
          "bus/ap/drivers/cex4card/card03 -> ../../../../devices/ap/card03",
          "bus/ap/drivers/cex4queue/",
          "bus/ap/drivers/cex4queue/03.0005 -> ../../../../devices/ap/card03/03.0005",
          "bus/ap/poll_thread", "bus/ap/poll_timeout", "devices/", "devices/ap/",
          "devices/ap/card03/", "devices/ap/card03/03.0005/",
          "devices/ap/card03/03.0005/driver -> ../../../../bus/ap/drivers/cex4queue",
          "devices/ap/card03/03.0005/interrupt", "devices/ap/card03/03.0005/load",
          "devices/ap/card03/03.0005/mkvps", "devices/ap/card03/03.0005/online",
          "devices/ap/card03/03.0005/pendingq_count", "devices/ap/card03/03.0005/request_count",
          "devices/ap/card03/03.0005/requestq_count", "devices/ap/card03/03.0005/reset",
          "devices/ap/card03/03.0005/subsystem -> ../../../../bus/ap",
          "devices/ap/card03/ap_functions", "devices/ap/card03/depth",
          "devices/ap/card03/driver -> ../../../bus/ap/drivers/cex4card",
          "devices/ap/card03/hwtype", "devices/ap/card03/load",
          "devices/ap/card03/online -> 03.0005/online",
          "devices/ap/card03/pendingq_count -> 03.0005/pendingq_count",
          "devices/ap/card03/raw_hwtype",
          "devices/ap/card03/request_count -> 03.0005/request_count",
          "devices/ap/card03/requestq_count -> 03.0005/requestq_count",
          "devices/ap/card03/serialnr", "devices/ap/card03/subsystem -> ../../../bus/ap",
          "devices/ap/card03/type", "resource", "tmp_bus -> /sys/devices/ap/card03/03.0005"));
  // Every link leads to something in the tree, but for the one to the real queue.
  for (const auto& entry : fs::recursive_directory_iterator(node_.path() / kTree)) {
    EXPECT_TRUE(fs::exists(entry.path()) || entry.path().filename() == "tmp_bus") << entry.path();
  }
}

TEST_F(AdjunctProcessorPreparerTest, WhatACardDoesNotHaveIsLeftOutWhereItMay) {
  node_.Remove(FakeApBus::OfCard(3, "serialnr"));
  node_.Remove(FakeApBus::OfQueue(3, 5, "mkvps"));
  node_.Remove("sys/bus/ap/ap_max_adapter_id");
  node_.Write(FakeApBus::OfQueue(3, 5, "op_modes"), "IMPKM FIPS2011\n");
  node_.Write(FakeApBus::OfCard(3, "API_ordinalnr"), "4\n");
  ASSERT_EQ(Prepare(), absl::OkStatus());
  const std::string tree = kTree;
  EXPECT_FALSE(Exists(tree + "/devices/ap/card03/serialnr"));
  EXPECT_FALSE(Exists(tree + "/devices/ap/card03/03.0005/mkvps"));
  EXPECT_FALSE(Exists(tree + "/bus/ap/ap_max_adapter_id"));
  EXPECT_EQ(Text(tree + "/devices/ap/card03/03.0005/op_modes"), "IMPKM FIPS2011\n");
  EXPECT_EQ(Text(tree + "/devices/ap/card03/API_ordinalnr"), "4\n");
}

TEST_F(AdjunctProcessorPreparerTest, WhatMustBeThereIsAskedForBeforeAnythingIsMade) {
  for (const std::string& file :
       {std::string("sys/bus/ap/poll_timeout"), FakeApBus::OfCard(3, "raw_hwtype"),
        FakeApBus::OfQueue(3, 5, "reset")}) {
    const std::string text = Text(file);
    node_.Remove(file);
    const absl::Status status = Prepare();
    EXPECT_THAT(status.message(), HasSubstr(file));
    EXPECT_EQ(Trace(), "");
    node_.Write(file, text);
  }
  ExpectNothingMade();
}

TEST_F(AdjunctProcessorPreparerTest, WhatIsReadyStaysAsItIs) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  node_.Write(FakeApBus::OfQueue(3, 5, "request_count"), "4712\n");
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_EQ(Trace(),
            "wait /dev/zcrypt-apqn-3-5-0\nfolder /var/tmp/shadowsysfs\n"
            "label /var/tmp/shadowsysfs\n");
}

// IBM's own takes an existing node as it is.
TEST_F(AdjunctProcessorPreparerTest, ANodeThatIsThereGetsWhatIsWrongWithItOnly) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  fs::permissions(node_.path() / kNode, fs::perms(0600));
  node_.Write(std::string(kMasks) + "apmask", "0x18" + std::string(62, '0') + "\n");
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_THAT(Writes(), ElementsAre("chmod 666 /dev/zcrypt-apqn-3-5-0",
                                    "write /" + std::string(kMasks) + "apmask 0x1" +
                                        std::string(63, '0') + "\\n"));
  EXPECT_EQ(Text(std::string(kMasks) + "apmask"), "0x1" + std::string(63, '0') + "\n")
      << "the card that was too much is gone";
  node_.Write(std::string(kMasks) + "ioctlmask", "garbage");
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_EQ(Text(std::string(kMasks) + "ioctlmask"), "0x" + std::string(64, 'f') + "\n");
}

TEST_F(AdjunctProcessorPreparerTest, ATreeThatIsNotAsItShouldBeIsMadeAnew) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  const std::string tree = kTree;
  const std::vector<std::string> good = Listing(kTree);
  const std::vector<std::function<void()>> harms = {
      [&] { node_.Remove(tree + "/devices/ap/card03/type"); },
      [&] { node_.Write(tree + "/stranger", "x"); },
      [&] { node_.MakeNode(tree + "/fifo"); },
      [&] { node_.Remove(tree + "/tmp_bus"); },
      [&] { family_.live_sysfs = false; },
      [&] { node_.Remove(tree); },
      [&] {
        node_.Remove(tree);
        node_.Write(tree, "a file");
      }};
  for (const auto& harm : harms) {
    family_.live_sysfs = true;
    harm();
    ASSERT_EQ(Prepare(), absl::OkStatus());
    EXPECT_THAT(Writes(), IsEmpty()) << "the node was good";
    EXPECT_THAT(script_.trace, Contains(StartsWith("rename ")));
  }
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_EQ(Listing(kTree), good);
}

// ---- failures -----------------------------------------------------------------------------------

// Whatever step fails, what this call made is gone again, and what was there stays.
TEST_F(AdjunctProcessorPreparerTest, AFailureAtAnyStepLeavesNothingBehind) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  const std::vector<std::string> steps = script_.trace;
  ASSERT_EQ(Release(), absl::OkStatus());
  for (const std::string& step : steps) {
    script_.fails = step;
    const absl::Status status = Prepare();
    EXPECT_FALSE(status.ok()) << step;
    EXPECT_NE(status.message(), "") << step;
    script_.fails.clear();
    ExpectNothingMade();
    EXPECT_THAT(Preparer()->Prepared(), IsEmpty()) << step;
  }
  EXPECT_EQ(Prepare(), absl::OkStatus());
}

// IBM's own destroys a node that another container may have.
TEST_F(AdjunctProcessorPreparerTest, AFailureLeavesANodeThatWasThere) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  node_.Remove(std::string(kTree) + "/resource");
  script_.fails = "file ";
  EXPECT_THAT(Prepare().message(), StartsWith("cannot make what the container sees of /sys "
                                              "(/var/tmp/shadowsysfs/sysfs-apqn-3-5-0): file "));
  EXPECT_TRUE(Exists(kNode));
  EXPECT_TRUE(Exists(std::string(kTree) + "/tmp_bus")) << "the old tree stays until there is a new";
  script_.fails = "chmod ";
  fs::permissions(node_.path() / kNode, fs::perms(0600));
  EXPECT_FALSE(Prepare().ok());
  EXPECT_TRUE(Exists(kNode));
  EXPECT_THAT(script_.trace, Not(Contains(HasSubstr("destroy"))));
}

TEST_F(AdjunctProcessorPreparerTest, ANodeThatNeverAppearsIsDestroyedOnce) {
  script_.nodes_appear = false;
  EXPECT_EQ(Prepare().message(),
            "cannot make the zcrypt node zcrypt-apqn-3-5-0 ready: "
            "/dev/zcrypt-apqn-3-5-0 did not appear, although the kernel has the node");
  EXPECT_EQ(Trace(),
            "write /sys/class/zcrypt/create zcrypt-apqn-3-5-0\n"
            "wait /dev/zcrypt-apqn-3-5-0\n"
            "write /sys/class/zcrypt/destroy zcrypt-apqn-3-5-0\n");
  ExpectNothingMade();
}

TEST_F(AdjunctProcessorPreparerTest, WhatCannotBeUndoneIsSaid) {
  script_.before = [this](const std::string& line) {
    if (line.starts_with("write") && line.find("aqmask") != std::string::npos) {
      script_.fails = "write";
    }
  };
  EXPECT_THAT(Prepare().message(), AllOf(HasSubstr("aqmask"), HasSubstr("; and it stays: ")));
}

TEST_F(AdjunctProcessorPreparerTest, SomethingElseInTheNodesPlaceIsRefused) {
  script_.nodes_appear = false;
  node_.Write(kNode, "a file");
  EXPECT_THAT(Prepare().message(),
              HasSubstr("/dev/zcrypt-apqn-3-5-0 is a file, not a device node"));
}

TEST_F(AdjunctProcessorPreparerTest, AFolderThatOthersMayWriteToIsRefused) {
  fs::create_directories(node_.Under("var/tmp/shadowsysfs"));
  fs::permissions(node_.path() / "var/tmp/shadowsysfs", fs::perms(0777));
  EXPECT_THAT(Prepare().message(), HasSubstr("can be written to by others"));
  ExpectNothingMade();
  node_.Remove("var/tmp/shadowsysfs");
  fs::create_directories(node_.Under("home/mallory/x"));
  fs::create_symlink("../../home/mallory", node_.Under("var/tmp/shadowsysfs"));
  EXPECT_THAT(Prepare().message(), HasSubstr("/var/tmp/shadowsysfs is no folder"));
  EXPECT_THAT(Listing("home/mallory"), ElementsAre("x/"));
  ExpectNothingMade();
}

// ---- what is asked for --------------------------------------------------------------------------

TEST_F(AdjunctProcessorPreparerTest, WhatWentBetweenAllocationAndStartIsSaid) {
  const auto problem = [&] {
    const absl::Status status = Prepare();
    EXPECT_EQ(Trace(), "") << "nothing is touched";
    return std::string(status.message());
  };
  node_.Write(FakeApBus::OfQueue(3, 5, "online"), "0\n");
  EXPECT_EQ(problem(), "its queue 03.0005 is offline");
  node_.Remove("sys/devices/ap/card03/03.0005");
  EXPECT_EQ(problem(), "card03 has no queue 03.0005");
  node_.Remove("sys/devices/ap/card03");
  EXPECT_EQ(problem(), "there is no card card03");
  bus_.Plug(3, "CEX7P");
  bus_.AddQueue(3, 5);
  family_.mode = CexMode::kCca;
  EXPECT_EQ(problem(), "card03 is a CEX7P, and the entry wants cca");
  family_.mode = std::nullopt;
  node_.Remove("sys/class/zcrypt/create");
  EXPECT_THAT(problem(), StartsWith("/sys/class/zcrypt/create does not exist"));
}

TEST_F(AdjunctProcessorPreparerTest, ACardThatGoesWhileItIsPreparedLeavesNothing) {
  script_.before = [this](const std::string& line) {
    if (line.starts_with("wait")) node_.Remove(std::string(kMasks) + "aqmask");
  };
  EXPECT_FALSE(Prepare().ok());
  script_.before = nullptr;
  ExpectNothingMade();
}

TEST_F(AdjunctProcessorPreparerTest, OnlyWhatTheEntryGivesAwayIsPrepared) {
  bus_.AddQueue(3, 6);
  for (const char* id : {"apqn-3-6-0", "apqn-3-5-1", "apqn-4-5-0"}) {
    EXPECT_EQ(Prepare(id).message(), "the configuration does not give it away (any more)");
  }
  family_.overcommit = 2;
  EXPECT_EQ(Prepare("apqn-3-5-1"), absl::OkStatus());
  EXPECT_TRUE(Exists("dev/zcrypt-apqn-3-5-1"));
}

// IBM's own answers such ids, and uses what stands after the numbers as part of a path.
TEST_F(AdjunctProcessorPreparerTest, IdsAreTakenByTheLetter) {
  for (const char* id :
       {"", "apqn", "apqn-3-5", "apqn-03-5-0", "apqn-+3-5-0", "apqn-3-5--1", "apqn-3-5-0junk",
        "apqn-3-5-0/../x", "apqn-3-5-0-0", "apqn-256-5-0", "apqn-3-256-0", " apqn-3-5-0",
        "apqn-3-5-99999999999999999999", "zcrypt-apqn-3-5-0"}) {
    EXPECT_THAT(Prepare(id).message(), HasSubstr("is no id of a crypto card's queue")) << id;
    EXPECT_THAT(Release(id).message(), HasSubstr("is no id of a crypto card's queue")) << id;
    EXPECT_EQ(Trace(), "");
  }
}

TEST_F(AdjunctProcessorPreparerTest, ASetOfAFileIsPreparedAsItSays) {
  family_.apqns.clear();
  family_.config_file = "/etc/cex.json";
  family_.set = "cca";
  node_.Write("etc/cex.json", R"({"cryptoconfigsets":[{"setname":"cca","project":"a",
      "livesysfs":0,"apqns":[{"adapter":3,"domain":5}]}]})");
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_FALSE(Exists(std::string(kTree) + "/tmp_bus"));
}

// ---- undoing ------------------------------------------------------------------------------------

TEST_F(AdjunctProcessorPreparerTest, ReleaseTakesTheNodeThenTheTree) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  ASSERT_EQ(Release(), absl::OkStatus());
  EXPECT_EQ(Trace(),
            "write /sys/class/zcrypt/destroy zcrypt-apqn-3-5-0\n"
            "remove /var/tmp/shadowsysfs/new-sysfs-apqn-3-5-0\n"
            "remove /var/tmp/shadowsysfs/sysfs-apqn-3-5-0\n");
  ExpectNothingMade();
  ASSERT_EQ(Release(), absl::OkStatus()) << "what is gone is released";
  EXPECT_THAT(Writes(), IsEmpty());
}

TEST_F(AdjunctProcessorPreparerTest, ANodeThatCannotBeDestroyedKeepsItsTree) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  script_.fails = "write /sys/class/zcrypt/destroy";
  EXPECT_THAT(Release().message(), StartsWith("write /sys/class/zcrypt/destroy"));
  EXPECT_TRUE(Exists(kTree));
  EXPECT_THAT(Preparer()->Prepared(), ElementsAre(kId)) << "to be tried again";
}

TEST_F(AdjunctProcessorPreparerTest, AQueueIsReleasedAlsoWhenItsCardIsGone) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  node_.Remove("sys/devices/ap");
  EXPECT_THAT(Preparer()->Prepared(), ElementsAre(kId));
  ASSERT_EQ(Release(), absl::OkStatus());
  ExpectNothingMade();
}

// ---- what is prepared ---------------------------------------------------------------------------

TEST_F(AdjunctProcessorPreparerTest, PreparedIsWhatAnEarlierLifeLeft) {
  EXPECT_THAT(Preparer()->Prepared(), IsEmpty());
  family_.overcommit = 2;
  ASSERT_EQ(Prepare("apqn-3-5-0"), absl::OkStatus());
  ASSERT_EQ(Prepare("apqn-3-5-1"), absl::OkStatus());
  EXPECT_THAT(Preparer()->Prepared(), ElementsAre("apqn-3-5-0", "apqn-3-5-1"));
  family_.overcommit = 1;
  EXPECT_THAT(Preparer()->Prepared(), ElementsAre("apqn-3-5-0", "apqn-3-5-1"))
      << "an edit does not lose what it takes out of use";
  family_.apqns = {{9, 9, ""}};
  EXPECT_THAT(Preparer()->Prepared(), ElementsAre("apqn-3-5-0", "apqn-3-5-1"));
}

TEST_F(AdjunctProcessorPreparerTest, WhatAnotherResourceMadeIsNotTouched) {
  ASSERT_EQ(Prepare(), absl::OkStatus());
  EXPECT_THAT(Preparer("cex.s390.ibm.com/other")->Prepared(), IsEmpty());
}

TEST_F(AdjunctProcessorPreparerTest, WhatCarriesNoNameBelongsToWhoeverMeansTheQueue) {
  fs::create_directories(node_.Under("sys/devices/virtual/zcrypt/zcrypt-apqn-3-5-0"));
  fs::create_directories(node_.Under("sys/devices/virtual/zcrypt/zcrypt-apqn-9-9-0"));
  fs::create_directories(node_.Under("sys/devices/virtual/zcrypt/zcrypt-somebody"));
  fs::create_directories(node_.Under("var/tmp/shadowsysfs/sysfs-apqn-3-5-7/bus/ap"));
  fs::create_directories(node_.Under("var/tmp/shadowsysfs/sysfs-apqn-3-5-7x/bus/ap"));
  fs::create_directories(node_.Under("var/tmp/shadowsysfs/new-sysfs-apqn-3-5-8"));
  EXPECT_THAT(Preparer()->Prepared(), ElementsAre("apqn-3-5-0", "apqn-3-5-7"));
}

TEST_F(AdjunctProcessorPreparerTest, ThousandsOfStrangersAreNoneOfOurs) {
  for (int i = 0; i < 4096; ++i) {
    const std::string name = std::to_string(i);
    fs::create_directories(node_.Under("sys/devices/virtual/zcrypt/zcrypt-apqn-" + name));
    node_.Write("var/tmp/shadowsysfs/sysfs-" + name, "");
  }
  fs::create_symlink("loop", node_.Under("var/tmp/shadowsysfs/loop"));
  EXPECT_THAT(Preparer()->Prepared(), IsEmpty());
}

// ---- the edges ----------------------------------------------------------------------------------

TEST_F(AdjunctProcessorPreparerTest, WaitingEndsWithTheNodeOrTheTime) {
  DirectHostEdits edits{HostRoot(node_.path())};
  fs::create_directories(node_.Under("dev/x"));
  EXPECT_TRUE(edits.WaitFor("/dev/x", std::chrono::hours(1)));
  EXPECT_FALSE(edits.WaitFor("/dev/y", Duration::zero()));
  EXPECT_FALSE(edits.WaitFor("/nowhere/y", Duration::zero()));
}

TEST_F(AdjunctProcessorPreparerTest, EditsNameThePathThatFails) {
  DirectHostEdits edits{HostRoot(node_.path())};
  node_.Write("sys/a", "");
  EXPECT_EQ(edits.WriteAttribute("/sys/a", "text"), absl::OkStatus());
  EXPECT_EQ(Text("sys/a"), "text");
  EXPECT_THAT(edits.WriteAttribute("/sys/b", "x").message(), StartsWith("/sys/b: "));
  EXPECT_FALSE(Exists("sys/b")) << "an attribute is never made";
  EXPECT_THAT(edits.SetMode("/sys/b", 0666).message(), StartsWith("/sys/b: "));
  EXPECT_THAT(edits.MakeFile("/sys/a", "x").message(), StartsWith("/sys/a: "));
  EXPECT_THAT(edits.MakeLink("/sys/a", "x").message(), StartsWith("/sys/a: "));
  EXPECT_THAT(edits.MakeFolder("/sys/a/b").message(), StartsWith("/sys/a"));
  EXPECT_THAT(edits.Rename("/sys/b", "/sys/c").message(), StartsWith("/sys/"));
  EXPECT_EQ(edits.RemoveAll("/sys/b"), absl::OkStatus());
}

TEST_F(AdjunctProcessorPreparerTest, RemovingDoesNotFollowLinks) {
  DirectHostEdits edits{HostRoot(node_.path())};
  node_.Write("keep/me", "x");
  fs::create_directories(node_.Under("var/x/y"));
  fs::create_symlink(node_.path() / "keep", node_.Under("var/x/link"));
  EXPECT_EQ(edits.RemoveAll("/var/x"), absl::OkStatus());
  EXPECT_EQ(Text("keep/me"), "x");
}

}  // namespace
}  // namespace nodedevice
