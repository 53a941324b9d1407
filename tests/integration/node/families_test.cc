// Families whose way from a fake host to a container crosses more than one program.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/integration/node/node_fixture.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FamiliesTest : public NodeTest {
 protected:
  // What the one container of an admitted pod is given.
  json Admit(const std::string& pod, const std::string& resource, int count) {
    const ProgramResult admitted = DeviceManagerSays("admit", {PodFile(pod, {{resource, count}})});
    EXPECT_EQ(admitted.code, 0) << admitted.output;
    const json answer = json::parse(admitted.output, nullptr, /*allow_exceptions=*/false);
    return answer.is_object() ? answer["containers"][0]["spec"] : json();
  }
  static std::string Read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};

TEST_F(FamiliesTest, OnloadReachesAContainerAndIsUnwellWithoutItsDriver) {
  const std::string card = "sys/devices/pci0000:00/0000:3b:00.0";
  host_.Write(card + "/vendor", "0x1924\n");
  host_.Write(card + "/net/ens1f0/mtu", "1500\n");
  std::filesystem::create_directory_symlink("../../../0000:3b:00.0",
                                            host_.Under(card + "/net/ens1f0/device"));
  std::filesystem::create_directory_symlink("../../" + card.substr(4) + "/net/ens1f0",
                                            host_.Under("sys/class/net/ens1f0"));
  host_.Write("proc/devices", "Character devices:\n239 onload\n238 onload_epoll\n\n");
  for (const char* node : {"dev/onload", "dev/onload_epoll", "dev/sfc_char"}) Plug(node);
  host_.Write("opt/onload/usr/lib64/libonload.so", "elf");

  Configure({"{name: onload, resourceName: amd.com/onload, onload: {preload: true, max: 3}}",
             "{name: nic, resourceName: solarflare/smartNIC, onload: {announce: Interfaces}}"});
  StartDeviceManager();
  StartAgent();
  ASSERT_TRUE(WaitForCounts("amd.com/onload", 3, 3)) << agent().Output();
  ASSERT_TRUE(WaitForCounts("solarflare/smartNIC", 1, 1)) << agent().Output();
  const json spec = Admit("one", "amd.com/onload", 2);
  const std::string library = "/opt/onload/usr/lib64/libonload.so";
  EXPECT_EQ(spec["envs"], json({{"LD_PRELOAD", library}}));
  EXPECT_EQ(spec["mounts"],
            json::array({{{"containerPath", library}, {"hostPath", library}, {"readOnly", true}}}));
  ASSERT_EQ(spec["devices"].size(), 3u);
  EXPECT_EQ(spec["devices"][0]["hostPath"], "/dev/onload");
  EXPECT_EQ(spec["devices"][0]["permissions"], "mrw");

  Unplug("dev/onload");
  EXPECT_TRUE(WaitForCounts("amd.com/onload", 3, 0)) << agent().Output();
  EXPECT_TRUE(WaitForCounts("solarflare/smartNIC", 1, 0)) << agent().Output();
  EXPECT_TRUE(WaitFor([this] {
    return Get("/metrics").body.find("/dev/onload: No such file or directory") != std::string::npos;
  }));
  Plug("dev/onload");
  EXPECT_TRUE(WaitForCounts("amd.com/onload", 3, 3)) << agent().Output();
}

TEST_F(FamiliesTest, AStaticPluginIsHeldBackAndTellsTheRuntimeByAFile) {
  const auto cdi = host_.path() / "var/run/cdi/nodedevices.io_example.com_seat.json";
  host_.Write("run/hold", "");
  Configure(
      {"{name: seat, resourceName: example.com/seat, static: {devices: [{id: a}, {id: b}], "
       "idsEnv: SEATS, cdiKind: example.com/seat, holdFile: /run/hold}}"});
  StartDeviceManager();
  StartAgent();
  ASSERT_TRUE(WaitFor([this] {
    return Get("/").body.find("is not registered as long as /run/hold exists") != std::string::npos;
  })) << agent().Output();
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(At("example.com/seat"), Counts());
  EXPECT_THAT(Get("/").body, HasSubstr("held"));

  host_.Remove("run/hold");
  ASSERT_TRUE(WaitForCounts("example.com/seat", 2, 2)) << agent().Output();
  EXPECT_TRUE(WaitUntilReady());
  EXPECT_EQ(Metric(R"(plugin_restarts_total{plugin="seat",reason="start_timeout"})"), 0);
  const json spec = Admit("one", "example.com/seat", 2);
  EXPECT_EQ(spec["envs"], json({{"SEATS", "a,b"}}));
  EXPECT_EQ(spec["cdiDevices"], json::array({"example.com/seat=a", "example.com/seat=b"}));
  const json file = json::parse(Read(cdi));
  EXPECT_EQ(file["kind"], "example.com/seat");
  EXPECT_EQ(file["devices"].size(), 2u);

  // A killed plugin leaves its file; the next one makes it anew. Once registered, a file in the
  // way is of no matter to it before it starts again.
  host_.Write("run/hold", "");
  ASSERT_EQ(Plugins().size(), 1u);
  ASSERT_EQ(::kill(Plugins()[0], SIGKILL), 0);
  ASSERT_TRUE(WaitFor([this] {
    return Metric(R"(plugin_restarts_total{plugin="seat",reason="signaled"})") == 1;
  })) << agent().Output();
  ASSERT_TRUE(WaitFor([this] {
    return Get("/").body.find("is not registered as long as /run/hold exists") != std::string::npos;
  })) << agent().Output();
  host_.Remove("run/hold");
  EXPECT_TRUE(WaitForCounts("example.com/seat", 2, 2)) << agent().Output();
  EXPECT_TRUE(std::filesystem::exists(cdi));

  EndAgent(SIGTERM);
  EXPECT_FALSE(std::filesystem::exists(cdi));
}

}  // namespace
}  // namespace nodedevice::testing
