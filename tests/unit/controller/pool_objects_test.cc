#include "controller/pools/pool_objects.h"

#include "controller/pools/machine_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/mco/kubelet_config.h"
#include "lib/mco/refused_fields.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

DevicePluginConfig ConfigNamed(const std::string& name) {
  DevicePluginConfig config;
  config.name = name;
  return config;
}

json PoolNamedSo(const std::string& name, const json& labels) {
  return {{"metadata", {{"name", name}, {"uid", "p1"}, {"labels", labels}}}};
}

// Whatever it is made for: a KubeletConfig that is refused stops its pool.
TEST(PoolObjectsTest, KubeletConfigHoldsNothingThatIsRefused) {
  for (const char* policy : {"", "none", "best-effort", "restricted", "single-numa-node"}) {
    DevicePluginConfig config = ConfigNamed("c");
    config.device_manager.topology_manager_policy = policy;
    const json pool = PoolNamedSo("gpu", {{kPoolLabel, "gpu"}});
    const json rendered = RenderKubeletConfig(config, "u1", pool);
    EXPECT_THAT(RefusedFields(rendered), IsEmpty());
    EXPECT_TRUE(AppliesTo(rendered, pool));
    EXPECT_FALSE(rendered["metadata"].contains("annotations"));
    EXPECT_FALSE(rendered["metadata"].contains("finalizers"));
  }
}

TEST(PoolObjectsTest, NamesOfLongOnesFitAndDiffer) {
  const std::string config(63, 'c');
  const std::string pool(200, 'p');
  EXPECT_LE(KubeletConfigName(config, pool).size(), 128u);
  EXPECT_LE(MachineConfigName(config, pool).size(), 128u);
  EXPECT_LE(PoolLabelValue(pool).size(), 63u);
  EXPECT_NE(KubeletConfigName(config, pool), KubeletConfigName(config, pool + "q"));
  EXPECT_NE(PoolLabelValue(pool), PoolLabelValue(pool + "q"));
}

TEST(PoolObjectsTest, ALabelIsOwnWhenTheControllerHasAppliedIt) {
  json pool = PoolNamedSo("gpu", {{kPoolLabel, "gpu"}});
  EXPECT_TRUE(HasPoolLabel(pool));
  EXPECT_FALSE(HasOwnPoolLabel(pool));
  pool["metadata"]["managedFields"] = {
      {{"fieldsV1",
        {{"f:metadata", {{"f:labels", {{"f:nodedevices.io/pool", json::object()}}}}}}}}};
  EXPECT_TRUE(HasOwnPoolLabel(pool));
  pool["metadata"]["labels"][kPoolLabel] = "other";
  EXPECT_FALSE(HasPoolLabel(pool));
  EXPECT_FALSE(HasOwnPoolLabel(pool));
}

TEST(PoolObjectsTest, LabelPatchNamesNothingElse) {
  json pool = PoolNamedSo("gpu", {{"a", "b"}});
  pool["spec"] = {{"paused", true}};
  const json patch = PoolLabelPatch(pool, true);
  EXPECT_FALSE(patch.contains("spec"));
  EXPECT_EQ(patch["metadata"],
            json({{"name", "gpu"}, {"uid", "p1"}, {"labels", {{kPoolLabel, "gpu"}}}}));
  EXPECT_THAT(PoolLabelPatch(pool, false)["metadata"]["labels"], IsEmpty());
}

// An administrator applies it, so nothing makes it the controller's.
TEST(MachineConfigTest, OneToApplyBelongsToNobody) {
  NodePreparation preparation;
  preparation.kernel_modules = {"vhost_net", "vhost_net"};
  const json object = MachineConfigToApply(preparation, "c", "worker");
  EXPECT_EQ(object["metadata"], json({{"name", "99-worker-node-devices-c"},
                                      {"labels",
                                       {{"machineconfiguration.openshift.io/role", "worker"},
                                        {"nodedevices.io/config", "c"}}}}));
  const json& files = object["spec"]["config"]["storage"]["files"];
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0]["path"], "/etc/modules-load.d/node-devices-c.conf");
  EXPECT_EQ(files[0]["contents"]["source"], "data:,vhost_net%0A");
  EXPECT_FALSE(object["spec"].contains("kernelArguments"));
}

}  // namespace
}  // namespace nodedevice
