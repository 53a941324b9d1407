// Family `nvidia` on a fake node whose driver's library is played (tests/support/fake_nvml.cc).
#include "plugin/discovery/nvidia.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>

#include "plugin/allocation.h"
#include "plugin/discovery/registry.h"
#include "tests/support/fake_driver.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unix_listener.h"
#include "tests/support/wait_for.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FakeDriver;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr char kResource[] = "nvidia.com/gpu";
constexpr Duration kLong = seconds(60);

class NvidiaSourceTest : public ::testing::Test {
 protected:
  // Begins, or begins anew, with these options.
  void Start(const Nvidia& nvidia = {}, Duration silence = kLong,
             milliseconds patience = seconds(60)) {
    source_.reset();
    source_.emplace(
        kResource, nvidia, /*topology=*/true, HostRoot(node_.path()),
        NvidiaSource::Timing{.driver = {.patience = patience, .event_wait = milliseconds(20)},
                             .silence = silence});
    source_->OnNews([this] {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++news_;
      changed_.notify_all();
    });
  }
  Inventory Scan() {
    auto inventory = source_->Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory());
  }
  DeviceSet Devices() { return Scan().resources.at(kResource); }
  // Scans at each news until the devices are as wanted.
  template <typename Wanted>
  bool ScanUntil(const Wanted& wanted) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + seconds(60);
    for (;;) {
      const int before = news_;
      lock.unlock();
      if (wanted(Devices())) return true;
      lock.lock();
      if (!changed_.wait_until(lock, end, [&] { return news_ > before; })) return false;
    }
  }
  void PlayGpus(std::vector<json> gpus, json more = json::object()) {
    more["gpus"] = std::move(gpus);
    driver_.Play(more);
  }
  std::string TextOf(const std::string& file) const {
    std::ifstream stream(node_.Under(file));
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }

  testing::TempDir node_;
  FakeDriver driver_{node_};
  std::mutex mutex_;
  std::condition_variable changed_;
  int news_ = 0;  // guarded by mutex_
  std::optional<NvidiaSource> source_;
};

TEST_F(NvidiaSourceTest, GpusAreFoundWithTheirUuidsAndNumaNodes) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  node_.Write("sys/devices/pci0000:3a/0000:3b:00.0/numa_node", "1\n");
  node_.Write("sys/devices/pci0000:3a/0000:3c:00.0/numa_node", "-1\n");
  for (const std::string id : {"0000:3b:00.0", "0000:3c:00.0"}) {
    std::filesystem::create_symlink("../../../devices/pci0000:3a/" + id,
                                    node_.Under("sys/bus/pci/devices/" + id));
  }
  Start();
  const Inventory inventory = Scan();
  ASSERT_THAT(inventory.resources, ElementsAre(Key(kResource)));
  const DeviceSet& set = inventory.resources.at(kResource);
  ASSERT_THAT(set, ElementsAre(Key("GPU-0"), Key("GPU-1")));
  EXPECT_THAT(set.at("GPU-0").numa_nodes, ElementsAre(1));
  EXPECT_THAT(set.at("GPU-1").numa_nodes, IsEmpty());
  EXPECT_TRUE(set.at("GPU-0").healthy());
  EXPECT_THAT(inventory.notes, IsEmpty());
  EXPECT_THAT(inventory.directories, ElementsAre(node_.path() / "dev"));
}

TEST_F(NvidiaSourceTest, WithoutALibraryItIsSaidWhereItWasLookedFor) {
  std::filesystem::create_directories(node_.Under("usr/lib64"));
  Start();
  const Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources, ElementsAre(Pair(kResource, IsEmpty())));
  EXPECT_THAT(inventory.notes,
              ElementsAre(AllOf(HasSubstr("libnvidia-ml.so.1 is in none of /usr/lib64, "),
                                Not(HasSubstr(node_.path().string())))));
  // One that is not there is waited for as well: it may come in steps.
  for (const char* folder : {"dev", "usr/lib64", "usr/lib/x86_64-linux-gnu", "lib64"}) {
    EXPECT_THAT(inventory.directories, Contains(node_.path() / folder));
  }
}

TEST_F(NvidiaSourceTest, ALibraryThatAppearsLateIsUsed) {
  Start();
  EXPECT_THAT(Devices(), IsEmpty());
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0)});
  EXPECT_THAT(Devices(), ElementsAre(Key("GPU-0")));
}

TEST_F(NvidiaSourceTest, TheLibraryIsLookedForBelowTheDriversRoot) {
  Nvidia nvidia;
  nvidia.driver_root = "/run/nvidia/driver";
  const FakeDriver contained(node_, "run/nvidia/driver/usr/lib/x86_64-linux-gnu/535");
  contained.Install();
  contained.Play({{"gpus", json::array({FakeDriver::Gpu(0)})}});
  // A link of the driver's own tree is meant inside of that tree.
  std::filesystem::create_symlink(
      "/usr/lib/x86_64-linux-gnu/535/libnvidia-ml.so.1",
      node_.Under("run/nvidia/driver/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"));
  Start(nvidia);
  EXPECT_THAT(Devices(), ElementsAre(Key("GPU-0")));
  nvidia.driver_root = "/run/elsewhere";
  Start(nvidia);
  EXPECT_THAT(Scan().notes, ElementsAre(HasSubstr("in none of /run/elsewhere/usr/lib64, ")));
}

TEST_F(NvidiaSourceTest, AFileThatIsNoLibraryIsSaidToBeNone) {
  node_.Write("usr/lib64/libnvidia-ml.so.1", "not a library");
  Start();
  EXPECT_THAT(Scan().notes, ElementsAre(HasSubstr("libnvidia-ml.so.1 cannot be loaded: ")));
}

TEST_F(NvidiaSourceTest, AnOldLibraryWorksWithoutWhatItLacks) {
  driver_.Install(FakeDriver::Age::kOld);
  PlayGpus({FakeDriver::Gpu(0, {{"mig", json::array({FakeDriver::Mig(0, 1, "1g.5gb")})}})});
  Nvidia nvidia;
  nvidia.mig_strategy = Nvidia::MigStrategy::kMixed;
  Start(nvidia);
  const Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("GPU-0")));
  EXPECT_THAT(
      inventory.notes,
      ElementsAre(HasSubstr("too old for MIG devices: it lacks nvmlDeviceGetMigMode, "),
                  HasSubstr("too old for its version"), HasSubstr("too old for how near GPUs are"),
                  HasSubstr("too old for its errors (XIDs): it lacks nvmlEventSetCreate")));
}

TEST_F(NvidiaSourceTest, ADriverThatDoesNotStartIsTriedAgain) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0)}, {{"errors", {{"nvmlInit_v2", 9}}}});
  Start();
  const Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes, ElementsAre(HasSubstr("nvmlInit_v2: Driver Not Loaded (9)")));
  PlayGpus({FakeDriver::Gpu(0)});
  EXPECT_THAT(Devices(), ElementsAre(Key("GPU-0")));
}

TEST_F(NvidiaSourceTest, ADriverThatFailsMakesItsDevicesUnhealthyUntilItWorks) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  Start();
  ASSERT_THAT(Devices(), SizeIs(2));
  PlayGpus({}, {{"errors", {{"nvmlDeviceGetCount_v2", 999}}}});
  const DeviceSet broken = Devices();
  ASSERT_THAT(broken, ElementsAre(Key("GPU-0"), Key("GPU-1")));
  EXPECT_EQ(broken.at("GPU-0").problem, "nvmlDeviceGetCount_v2: Unknown Error (999)");
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  EXPECT_TRUE(Devices().at("GPU-0").healthy());
}

TEST_F(NvidiaSourceTest, AGpuThatIsLostHarmsNoOther) {
  driver_.Install();
  PlayGpus(
      {FakeDriver::Gpu(0), FakeDriver::Gpu(1)},
      {{"errors",
        {{"nvmlDeviceGetHandleByIndex_v2 GPU-0", 15}, {"nvmlDeviceGetPciInfo_v3 GPU-1", 999}}}});
  Start();
  Inventory inventory = Scan();
  const DeviceSet& set = inventory.resources.at(kResource);
  ASSERT_THAT(set, ElementsAre(Key("GPU-1")));
  EXPECT_EQ(set.at("GPU-1").problem, "nvmlDeviceGetPciInfo_v3: Unknown Error (999)");
  EXPECT_THAT(inventory.notes, Contains("GPU 0: nvmlDeviceGetHandleByIndex_v2: GPU is lost (15)"));
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  EXPECT_THAT(Devices(), ElementsAre(Key("GPU-0"), Key("GPU-1")));
}

TEST_F(NvidiaSourceTest, AGpuThatIsPluggedIsFound) {
  driver_.Install();
  node_.MakeNode("dev/nvidia0");
  PlayGpus({FakeDriver::Gpu(0)});
  Start();
  ASSERT_THAT(Devices(), SizeIs(1));
  node_.MakeNode("dev/nvidia1");
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  EXPECT_THAT(Devices(), SizeIs(2));
}

TEST_F(NvidiaSourceTest, SixteenGpus) {
  driver_.Install();
  std::vector<json> gpus;
  for (int i = 0; i < 16; ++i) gpus.push_back(FakeDriver::Gpu(i));
  PlayGpus(gpus);
  Start();
  EXPECT_THAT(Devices(), SizeIs(16));
}

// ---- a driver that blocks -----------------------------------------------------------------------

TEST_F(NvidiaSourceTest, ADriverThatIsSilentIsNotWaitedForLong) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0)}, {{"blocked", json::array({"nvmlDeviceGetCount_v2"})}});
  Start({}, kLong, milliseconds(10));
  Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes, ElementsAre("the NVIDIA driver does not answer"));
  // The late answer is news.
  PlayGpus({FakeDriver::Gpu(0)});
  EXPECT_TRUE(ScanUntil([](const DeviceSet& set) { return set.size() == 1; }));
}

TEST_F(NvidiaSourceTest, ADriverThatIsSilentKeepsItsDevicesForAWhile) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0)});
  Start();
  ASSERT_THAT(Devices(), SizeIs(1));
  Start({}, kLong, milliseconds(10));
  ASSERT_TRUE(ScanUntil([](const DeviceSet& set) { return set.size() == 1; }));
  PlayGpus({FakeDriver::Gpu(0)}, {{"blocked", json::array({"nvmlDeviceGetUUID"})}});
  Inventory inventory = Scan();
  EXPECT_TRUE(inventory.resources.at(kResource).at("GPU-0").healthy());
  EXPECT_THAT(inventory.notes, Contains("the NVIDIA driver does not answer"));
  PlayGpus({FakeDriver::Gpu(0)});
}

TEST_F(NvidiaSourceTest, ADriverThatIsSilentForLongCountsAsFailed) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0)});
  Start({}, Duration::zero(), milliseconds(10));
  ASSERT_TRUE(
      ScanUntil([](const DeviceSet& set) { return set.size() == 1 && set.at("GPU-0").healthy(); }));
  PlayGpus({FakeDriver::Gpu(0)}, {{"blocked", json::array({"nvmlDeviceGetUUID"})}});
  EXPECT_EQ(Devices().at("GPU-0").problem, "the NVIDIA driver does not answer");
  PlayGpus({FakeDriver::Gpu(0)});
  EXPECT_TRUE(ScanUntil([](const DeviceSet& set) { return set.at("GPU-0").healthy(); }));
}

// ---- MIG ----------------------------------------------------------------------------------------

TEST_F(NvidiaSourceTest, MixedMigDevicesAreResourcesOfTheirOwnThatStay) {
  driver_.Install();
  json unnamed = FakeDriver::Mig(1, 3, "");
  unnamed.update({{"name", "odd"}, {"gpuSlices", 2}, {"computeSlices", 2}, {"memoryMiB", 9856}});
  PlayGpus({FakeDriver::Gpu(0, {{"mig", json::array()}}),
            FakeDriver::Gpu(1, {{"mig", json::array({FakeDriver::Mig(1, 1, "1g.5gb"),
                                                     FakeDriver::Mig(1, 2, "1g.5gb"), unnamed})}}),
            FakeDriver::Gpu(2)});
  Nvidia nvidia;
  nvidia.mig_strategy = Nvidia::MigStrategy::kMixed;
  Start(nvidia);
  Inventory inventory = Scan();
  EXPECT_THAT(
      inventory.resources,
      ElementsAre(Pair(kResource, ElementsAre(Key("GPU-2"))),
                  Pair("nvidia.com/mig-1g.5gb", ElementsAre(Key("MIG-1-1"), Key("MIG-1-2"))),
                  Pair("nvidia.com/mig-2g.10gb", ElementsAre(Key("MIG-1-3")))));
  EXPECT_THAT(inventory.notes, Contains("GPU 0 (GPU-0) has MIG on and no MIG device"));
  // Cut anew: the driver is asked at every scan, and a name that was there stays.
  PlayGpus({FakeDriver::Gpu(1, {{"mig", json::array({FakeDriver::Mig(1, 9, "7g.40gb")})}})});
  EXPECT_THAT(Scan().resources,
              ElementsAre(Pair(kResource, IsEmpty()), Pair("nvidia.com/mig-1g.5gb", IsEmpty()),
                          Pair("nvidia.com/mig-2g.10gb", IsEmpty()),
                          Pair("nvidia.com/mig-7g.40gb", ElementsAre(Key("MIG-1-9")))));
}

TEST_F(NvidiaSourceTest, DeviceSpecsOfAMigDeviceAreReadFromProc) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0, {{"mig", json::array({FakeDriver::Mig(0, 1, "1g.5gb"),
                                                     FakeDriver::Mig(0, 2, "1g.5gb")})}})});
  node_.Write("proc/driver/nvidia-caps/mig-minors",
              "gpu0/gi1/access 12\ngpu0/gi1/ci0/access 13\n"
              "gpu0/gi2/access 21\ngpu0/gi2/ci0/access 22\n");
  for (const char* path :
       {"dev/nvidiactl", "dev/nvidia-uvm", "dev/nvidia0", "dev/nvidia-caps/nvidia-cap12",
        "dev/nvidia-caps/nvidia-cap13", "dev/nvidia-caps/nvidia-cap21"}) {
    node_.MakeNode(path);
  }
  Nvidia nvidia;
  nvidia.mig_strategy = Nvidia::MigStrategy::kSingle;
  nvidia.pass_device_specs = true;
  Start(nvidia);
  const DeviceSet set = Devices();
  EXPECT_TRUE(set.at("MIG-0-1").healthy()) << set.at("MIG-0-1").problem;
  EXPECT_THAT(
      set.at("MIG-0-1").nodes,
      ElementsAre(DeviceNode{"/dev/nvidiactl", "", "rw"}, DeviceNode{"/dev/nvidia-uvm", "", "rw"},
                  DeviceNode{"/dev/nvidia0", "", "rw"},
                  DeviceNode{"/dev/nvidia-caps/nvidia-cap12", "", "rw"},
                  DeviceNode{"/dev/nvidia-caps/nvidia-cap13", "", "rw"}));
  EXPECT_EQ(set.at("MIG-0-2").problem, "/dev/nvidia-caps/nvidia-cap22: No such file or directory");
}

// ---- which GPUs work best together --------------------------------------------------------------

TEST_F(NvidiaSourceTest, NearnessAndLinksAreTheAffinityOfGpus) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0, {{"near", {{"GPU-1", 10}, {"GPU-2", 50}, {"GPU-3", 0}}},
                                {"links", {"GPU-2", "", "GPU-2"}}}),
            FakeDriver::Gpu(1, {{"near", {{"GPU-2", 40}, {"GPU-3", 30}}}}),
            FakeDriver::Gpu(2, {{"near", {{"GPU-3", 20}}}}), FakeDriver::Gpu(3),
            FakeDriver::Gpu(4)});
  Start();
  const Inventory inventory = Scan();
  ASSERT_NE(inventory.affinity, nullptr);
  const Affinity& affinity = *inventory.affinity;
  EXPECT_EQ(affinity.Between("GPU-0", "GPU-1"), 50);
  EXPECT_EQ(affinity.Between("GPU-0", "GPU-2"), 10 + 200);
  EXPECT_EQ(affinity.Between("GPU-3", "GPU-0"), 60);
  EXPECT_EQ(affinity.Between("GPU-1", "GPU-2"), 20);
  EXPECT_EQ(affinity.Between("GPU-1", "GPU-3"), 30);
  EXPECT_EQ(affinity.Between("GPU-2", "GPU-3"), 40);
  EXPECT_FALSE(affinity.Knows("GPU-4"));
}

// ---- errors (XIDs) ------------------------------------------------------------------------------

TEST_F(NvidiaSourceTest, AnErrorMakesEveryMigDeviceOfItsGpuUnhealthyAndTimeHeals) {
  driver_.Install();
  const std::vector<json> gpus = {
      FakeDriver::Gpu(0, {{"mig", json::array({FakeDriver::Mig(0, 1, "1g.5gb"),
                                               FakeDriver::Mig(0, 2, "1g.5gb")})}}),
      FakeDriver::Gpu(1, {{"mig", json::array({FakeDriver::Mig(1, 1, "1g.5gb")})}})};
  PlayGpus(gpus);
  Nvidia nvidia;
  nvidia.mig_strategy = Nvidia::MigStrategy::kSingle;
  nvidia.xids.quiet = seconds(1);
  Start(nvidia);
  ASSERT_THAT(Devices(), SizeIs(3));
  // 31 is a program's own fault.
  PlayGpus(gpus,
           {{"events", {{{"uuid", "GPU-1"}, {"xid", 31}}, {{"uuid", "GPU-0"}, {"xid", 79}}}}});
  EXPECT_TRUE(ScanUntil([](const DeviceSet& set) {
    return !set.at("MIG-0-1").healthy() && !set.at("MIG-0-2").healthy() &&
           set.at("MIG-1-1").healthy();
  }));
  EXPECT_TRUE(testing::WaitFor([&] { return Devices().at("MIG-0-2").healthy(); }));
}

TEST_F(NvidiaSourceTest, AnErrorWithoutAGpuIsAboutAll) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  Start();
  ASSERT_THAT(Devices(), SizeIs(2));
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)}, {{"events", json::array({{{"xid", 119}}})}});
  EXPECT_TRUE(ScanUntil([](const DeviceSet& set) {
    return !set.at("GPU-0").healthy() && !set.at("GPU-1").healthy();
  }));
}

TEST_F(NvidiaSourceTest, ADriverThatCannotTellOfErrorsAnyMoreIsLoadedAnew) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0)}, {{"errors", {{"nvmlEventSetWait_v2", 999}}}});
  Start();
  const std::vector<std::string> said = {
      "the driver does not tell of errors: nvmlEventSetWait_v2: Unknown Error (999)"};
  ASSERT_TRUE(testing::WaitFor([&] { return Scan().notes == said; }));
  EXPECT_TRUE(Devices().at("GPU-0").healthy());
  PlayGpus({FakeDriver::Gpu(0)}, {{"events", json::array({{{"uuid", "GPU-0"}, {"xid", 48}}})}});
  EXPECT_TRUE(testing::WaitFor([&] { return !Devices().at("GPU-0").healthy(); }));
  EXPECT_THAT(Scan().notes, IsEmpty());
}

TEST_F(NvidiaSourceTest, AGpuWhoseErrorsAreNotToldOfIsNoted) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)},
           {{"errors", {{"nvmlDeviceRegisterEvents GPU-0", 3}}}});
  Start();
  EXPECT_THAT(Scan().notes, ElementsAre("the driver will not tell of errors of GPU 0: "
                                        "nvmlDeviceRegisterEvents: Not Supported (3)"));
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)},
           {{"events", json::array({{{"uuid", "GPU-1"}, {"xid", 48}}})}});
  EXPECT_TRUE(ScanUntil([](const DeviceSet& set) { return !set.at("GPU-1").healthy(); }));
}

// ---- CDI ----------------------------------------------------------------------------------------

TEST_F(NvidiaSourceTest, TheCdiFileHoldsNodesAndTheDriversFilesWhileTheSourceLives) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0)});
  node_.MakeNode("dev/nvidiactl");
  node_.MakeNode("dev/nvidia0");
  node_.Write("usr/lib64/libcuda.so.535.104.05", "");
  node_.Write("usr/lib64/libcuda.so.530.1", "");
  node_.Write("usr/lib64/libc.so.6", "");
  std::filesystem::create_symlink("libcuda.so.535.104.05", node_.Under("usr/lib64/libcuda.so.1"));
  std::filesystem::create_symlink("usr/lib64", node_.Under("lib64"));
  node_.Write("usr/bin/nvidia-smi", "");
  Nvidia nvidia;
  nvidia.device_list_strategy = {Nvidia::ListStrategy::kCdiCri};
  Start(nvidia);
  Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources.at(kResource).at("GPU-0").cdi,
              ElementsAre("k8s.device-plugin.nvidia.com/gpu=GPU-0"));
  EXPECT_THAT(inventory.notes, ElementsAre(HasSubstr("nvidia-ctk is not on this node")));
  const std::string file = "var/run/cdi/nodedevices.io_nvidia.com_gpu.json";
  const json spec = json::parse(TextOf(file));
  EXPECT_EQ(spec["kind"], "k8s.device-plugin.nvidia.com/gpu");
  ASSERT_EQ(spec["devices"].size(), 1u);
  EXPECT_EQ(spec["devices"][0]["name"], "GPU-0");
  EXPECT_EQ(spec["devices"][0]["containerEdits"]["deviceNodes"][0]["path"], "/dev/nvidia0");
  std::map<std::string, std::string> mounts;
  for (const json& mount : spec["containerEdits"]["mounts"]) {
    mounts[mount["containerPath"]] = mount["hostPath"];
  }
  EXPECT_THAT(
      mounts,
      ElementsAre(Pair("/usr/bin/nvidia-smi", "/usr/bin/nvidia-smi"),
                  Pair("/usr/lib64/libcuda.so.1", "/usr/lib64/libcuda.so.535.104.05"),
                  Pair("/usr/lib64/libcuda.so.535.104.05", "/usr/lib64/libcuda.so.535.104.05")));
  node_.Write("usr/bin/nvidia-ctk", "");
  EXPECT_THAT(Scan().notes, IsEmpty());
  EXPECT_EQ(json::parse(TextOf(file))["containerEdits"]["hooks"][0]["path"], "/usr/bin/nvidia-ctk");
  source_.reset();
  EXPECT_FALSE(std::filesystem::exists(node_.path() / file));
}

TEST_F(NvidiaSourceTest, ACdiFileThatCannotBeWrittenMakesDevicesUnhealthy) {
  driver_.Install();
  PlayGpus({FakeDriver::Gpu(0)});
  node_.Write("var/run/cdi", "a file in the place of the folder");
  Nvidia nvidia;
  nvidia.device_list_strategy = {Nvidia::ListStrategy::kCdiAnnotations};
  Start(nvidia);
  EXPECT_THAT(Devices().at("GPU-0").problem, HasSubstr("the CDI file is not written: "));
}

// ---- sharing by MPS -----------------------------------------------------------------------------

class MpsTest : public NvidiaSourceTest {
 protected:
  MpsTest() {
    driver_.Install();
    PlayGpus({FakeDriver::Gpu(0)});
    nvidia_.sharing_strategy = Nvidia::SharingStrategy::kMps;
  }
  // What mps-control-daemon does for a resource when it is asked to.
  void StartDaemon(const std::string& resource) {
    std::filesystem::create_directories(node_.Under(Pipe(resource)).parent_path());
    std::filesystem::remove(node_.Under(Pipe(resource)));
    // Takes one connection that is not accepted, and no more.
    daemon_.emplace(node_.Under(Pipe(resource)), /*backlog=*/0);
    node_.Write("run/nvidia/mps/" + resource + "/.started", "");
  }
  static std::string Pipe(const std::string& resource) {
    return "run/nvidia/mps/" + resource + "/pipe/control";
  }

  Nvidia nvidia_;
  std::optional<testing::UnixListener> daemon_;
};

TEST_F(MpsTest, AContainerIsAClientOfTheDaemonOfItsResource) {
  StartDaemon("nvidia.com/gpu");
  Start(nvidia_);
  const Inventory inventory = Scan();
  const Device& gpu = inventory.resources.at(kResource).at("GPU-0");
  EXPECT_TRUE(gpu.healthy()) << gpu.problem;
  EXPECT_THAT(gpu.env_items,
              ElementsAre(EnvItem{"NVIDIA_VISIBLE_DEVICES", "GPU-0"},
                          EnvItem{"CUDA_MPS_PIPE_DIRECTORY", "/mps/nvidia.com/gpu/pipe"}));
  EXPECT_THAT(gpu.mounts, ElementsAre(DeviceMount{"/run/nvidia/mps/nvidia.com/gpu/pipe",
                                                  "/mps/nvidia.com/gpu/pipe", false},
                                      DeviceMount{"/run/nvidia/mps/shm", "/dev/shm", false}));
  // Whoever looks takes no client's place.
  EXPECT_TRUE(testing::Dial(node_.Under(Pipe("nvidia.com/gpu"))));
}

TEST_F(MpsTest, AContainerOfTwoSharesGetsEachMountOnce) {
  StartDaemon("nvidia.com/gpu");
  PlayGpus({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  Start(nvidia_);
  PluginSpec spec;
  spec.discovery = nvidia_;
  const auto answer = AnswerContainer({.devices = Devices(), .replicas = 4}, spec,
                                      {"GPU-1::0", "GPU-0::3", "GPU-0::1"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->envs, ElementsAre(Pair("CUDA_MPS_PIPE_DIRECTORY", "/mps/nvidia.com/gpu/pipe"),
                                        Pair("NVIDIA_VISIBLE_DEVICES", "GPU-0,GPU-1")));
  EXPECT_THAT(answer->mounts, SizeIs(2));
}

TEST_F(MpsTest, WithoutItsDaemonAResourceIsUnhealthyAndSaysWhatToDo) {
  Start(nvidia_);
  Inventory inventory = Scan();
  EXPECT_EQ(inventory.resources.at(kResource).at("GPU-0").problem,
            "/run/nvidia/mps/nvidia.com/gpu/.started: No such file or directory; the control "
            "daemon of MPS for nvidia.com/gpu is not ready: NVIDIA's mps-control-daemon must run "
            "on this node and share this resource");
  EXPECT_THAT(inventory.directories, Contains(node_.path() / "run/nvidia/mps/nvidia.com/gpu"));
  StartDaemon("nvidia.com/gpu");
  EXPECT_TRUE(Devices().at("GPU-0").healthy());
  // One that was killed leaves its files behind.
  daemon_.reset();
  EXPECT_EQ(Devices().at("GPU-0").problem,
            "/run/nvidia/mps/nvidia.com/gpu/pipe/control: Connection refused; the control daemon "
            "of MPS for nvidia.com/gpu has ended: start NVIDIA's mps-control-daemon of this node "
            "anew");
  node_.Remove(Pipe("nvidia.com/gpu"));
  EXPECT_THAT(Devices().at("GPU-0").problem, HasSubstr("control: No such file or directory"));
  StartDaemon("nvidia.com/gpu");
  EXPECT_TRUE(Devices().at("GPU-0").healthy());
}

TEST_F(MpsTest, ANodeWithoutGpusNeedsNoDaemon) {
  PlayGpus({});
  Start(nvidia_);
  EXPECT_THAT(Scan().notes, IsEmpty());
}

TEST_F(MpsTest, TheDaemonIsThatOfTheNameUnderWhichItIsAnnounced) {
  Nvidia file;
  file.config_file = "/etc/config.yaml";
  node_.Write("etc/config.yaml",
              "sharing: {mps: {renameByDefault: true, resources: [{name: gpu, replicas: 4}]}}");
  StartDaemon("nvidia.com/gpu.shared");
  Start(file);
  const Inventory inventory = Scan();
  const Device& gpu = inventory.resources.at("nvidia.com/gpu.shared").at("GPU-0");
  EXPECT_TRUE(gpu.healthy()) << gpu.problem;
  EXPECT_THAT(gpu.env_items,
              Contains(EnvItem{"CUDA_MPS_PIPE_DIRECTORY", "/mps/nvidia.com/gpu.shared/pipe"}));
  EXPECT_EQ(inventory.terms.at("nvidia.com/gpu.shared").sharing, (Sharing{4, true}));
}

TEST_F(MpsTest, MigDevicesAreNotSharedByIt) {
  PlayGpus({FakeDriver::Gpu(0, {{"mig", json::array({FakeDriver::Mig(0, 1, "1g.5gb")})}})});
  nvidia_.mig_strategy = Nvidia::MigStrategy::kSingle;
  StartDaemon("nvidia.com/gpu");
  Start(nvidia_);
  EXPECT_EQ(Devices().at("MIG-0-1").problem,
            "MPS shares whole GPUs and this is a MIG device: share by time slicing, or switch MIG "
            "off");
}

// ---- NVIDIA's own configuration file ------------------------------------------------------------

class NvidiaConfigFileTest : public NvidiaSourceTest {
 protected:
  static constexpr char kFile[] = "etc/nvidia/config.yaml";

  NvidiaConfigFileTest() {
    driver_.Install();
    PlayGpus({FakeDriver::Gpu(0)});
    nvidia_.config_file = std::string("/") + kFile;
  }
  void Say(const std::string& text) { node_.Write(kFile, text); }

  Nvidia nvidia_;
};

TEST_F(NvidiaConfigFileTest, WhatTheFileSaysHoldsForEachResource) {
  PlayGpus({FakeDriver::Gpu(0),
            FakeDriver::Gpu(1, {{"mig", json::array({FakeDriver::Mig(1, 1, "1g.5gb")})}})});
  Say(R"(
version: v1
flags: {migStrategy: mixed, plugin: {deviceIDStrategy: index, sharedDevicesAllocationPolicy: distributed}}
sharing: {timeSlicing: {failRequestsGreaterThanOne: true, resources: [{name: gpu, replicas: 4}]}}
)");
  Start(nvidia_);
  const Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources,
              ElementsAre(Pair(kResource, ElementsAre(Key("GPU-0"))),
                          Pair("nvidia.com/mig-1g.5gb", ElementsAre(Key("MIG-1-1")))));
  EXPECT_THAT(inventory.resources.at(kResource).at("GPU-0").env_items,
              ElementsAre(EnvItem{"NVIDIA_VISIBLE_DEVICES", "0"}));
  EXPECT_EQ(inventory.terms.at(kResource).sharing, (Sharing{4, true}));
  EXPECT_EQ(inventory.terms.at(kResource).preference, Preference::kSpread);
  EXPECT_EQ(inventory.terms.at("nvidia.com/mig-1g.5gb").sharing, Sharing());
  EXPECT_EQ(std::get<Nvidia>(inventory.terms.at(kResource).discovery).mig_strategy,
            Nvidia::MigStrategy::kMixed);
  EXPECT_THAT(inventory.notes, IsEmpty());
  EXPECT_THAT(inventory.directories, Contains(node_.path() / "etc/nvidia"));
}

TEST_F(NvidiaConfigFileTest, SharedResourcesAreRenamedByDefaultWhenTheFileSaysSo) {
  Say("sharing: {timeSlicing: {renameByDefault: true, resources: [{name: gpu, replicas: 2}]}}");
  Start(nvidia_);
  Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources,
              ElementsAre(Pair(kResource, IsEmpty()),
                          Pair("nvidia.com/gpu.shared", ElementsAre(Key("GPU-0")))));
  EXPECT_THAT(inventory.terms, ElementsAre(Key("nvidia.com/gpu.shared")));
  // A name that was there stays.
  Say("");
  inventory = Scan();
  EXPECT_THAT(inventory.resources, ElementsAre(Pair(kResource, ElementsAre(Key("GPU-0"))),
                                               Pair("nvidia.com/gpu.shared", IsEmpty())));
}

TEST_F(NvidiaConfigFileTest, UntilTheFileHasSaidSomethingGoodNothingIsAnnounced) {
  Start(nvidia_);
  Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources, ElementsAre(Pair(kResource, IsEmpty())));
  EXPECT_THAT(inventory.notes,
              ElementsAre(AllOf(HasSubstr("/etc/nvidia/config.yaml is not in force, and no GPU is "
                                          "announced until it is: "),
                                HasSubstr("No such file or directory"))));
  EXPECT_THAT(inventory.directories, Contains(node_.path() / "etc/nvidia"));
  Say("version: v1");
  EXPECT_THAT(Devices(), ElementsAre(Key("GPU-0")));
}

TEST_F(NvidiaConfigFileTest, AnEditIsTakenOverAndABadOneIsNot) {
  Say("sharing: {timeSlicing: {resources: [{name: gpu, replicas: 2}]}}");
  Start(nvidia_);
  EXPECT_EQ(Scan().terms.at(kResource).sharing.replicas, 2);
  Say("sharing: {timeSlicing: {resources: [{name: gpu, replicas: 3}]}}");
  EXPECT_EQ(Scan().terms.at(kResource).sharing.replicas, 3);
  Say("sharing: {timeSlicing: {resources: [{name: gpu, replicas: 1}]}}");
  Inventory inventory = Scan();
  EXPECT_EQ(inventory.terms.at(kResource).sharing.replicas, 3);
  EXPECT_THAT(inventory.resources.at(kResource), ElementsAre(Key("GPU-0")));
  EXPECT_THAT(inventory.notes,
              ElementsAre("/etc/nvidia/config.yaml is not in force, what it said last is: "
                          "sharing.timeSlicing.resources[0].replicas: must be an integer from 2 to "
                          "100000, is 1"));
  Say("resources: {gpus: [{pattern: '*', name: gpu}]}");
  inventory = Scan();
  EXPECT_EQ(inventory.terms.at(kResource).sharing.replicas, 1);
  EXPECT_THAT(inventory.notes,
              ElementsAre("/etc/nvidia/config.yaml: resources: is not followed, as with NVIDIA's "
                          "own plugin"));
}

TEST_F(NvidiaConfigFileTest, TheCdiFileIsThereAsLongAsTheFileAsksForIt) {
  const std::filesystem::path cdi = node_.path() / "var/run/cdi/nodedevices.io_nvidia.com_gpu.json";
  Say("flags: {plugin: {deviceListStrategy: [cdi-cri]}}");
  Start(nvidia_);
  EXPECT_THAT(Devices().at("GPU-0").cdi, ElementsAre("k8s.device-plugin.nvidia.com/gpu=GPU-0"));
  EXPECT_TRUE(std::filesystem::exists(cdi));
  Say("flags: {plugin: {deviceListStrategy: envvar}}");
  EXPECT_THAT(Devices().at("GPU-0").cdi, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(cdi));
}

TEST_F(NvidiaSourceTest, TheRegistryKnowsTheFamily) {
  PluginSpec spec;
  spec.resource_name = kResource;
  spec.discovery = Nvidia();
  const auto source = MakeSource(spec, HostRoot(node_.path()));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT((*source)->Scan()->notes, ElementsAre(HasSubstr("libnvidia-ml.so.1")));
}

}  // namespace
}  // namespace nodedevice
