// deviceManager.mode Manage, with a Machine Config Operator that behaves as the real one was seen
// to: what is written to pools, what is refused, and that it is all taken back.

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "tests/integration/controller/manage_fixture.h"
#include "tests/support/places.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

TEST_F(ManageTest, WithConsentTheDocumentedKubeletConfigIsWrittenFollowedAndTakenBack) {
  const std::string before = RenderedName();
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete")) << Message("PoolsConfigured");
  const Json written = Mco("kubeletconfigs", kOurs).value();
  EXPECT_EQ(written["spec"]["kubeletConfig"], Json({{"feature-gates", {"DevicePlugins=true"}},
                                                    {"topologyManagerPolicy", "best-effort"}}));
  EXPECT_NE(RenderedName(), before) << "the policy has reached the nodes";

  // Nothing is written again.
  const int writes = server_.Count(absl::StrCat("PATCH ", kMco));
  server_.Put("/api/v1/nodes/w1", [&] {
    Json node = server_.Find("/api/v1/nodes/w1").value();
    node["metadata"]["labels"]["touched"] = "yes";
    return node;
  }());
  Configure("other", ConfigFor("nowhere", "two"));
  ASSERT_TRUE(WaitFor([this] {
    return server_.Find(DaemonSetOf("other")).has_value() ||
           !Condition("other", "ConfigAccepted").empty();
  }));
  EXPECT_EQ(server_.Count(absl::StrCat("PATCH ", kMco)), writes);

  Configure("shop", Managing({{"mode", "Observe"}}));
  EXPECT_TRUE(WaitFor([this] { return !Mco("kubeletconfigs", kOurs).has_value(); }));
  EXPECT_TRUE(WaitFor([&] { return IsUpdated() && RenderedName() == before; }));
  EXPECT_TRUE(WaitFor([this] { return Condition("shop", "PoolsConfigured").empty(); }));
}

TEST_F(ManageTest, WithoutConsentNothingIsWrittenAndTheRebootsAreCounted) {
  Configure("shop", Managing({{"mode", "Manage"}}));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "False RebootNotAllowed"));
  EXPECT_THAT(Message("PoolsConfigured"), HasSubstr("2 nodes"));
  EXPECT_EQ(server_.Count(absl::StrCat("PATCH ", kMco, "kubeletconfigs/node-devices")), 0);
}

TEST_F(ManageTest, AForeignKubeletConfigIsNamedAndLeftAsItIs) {
  PutForeign();
  const Json foreign = Mco("kubeletconfigs", "performance").value();
  const Json pool = Mco("machineconfigpools", "worker").value();
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "False ForeignKubeletConfig"));
  EXPECT_THAT(Message("PoolsConfigured"), HasSubstr("performance"));
  EXPECT_TRUE(Tells("ForeignKubeletConfig"));
  server_.Remove(PathOf("shop"));
  ASSERT_TRUE(WaitFor([this] { return server_.In(kDaemonSets).empty(); }));
  EXPECT_EQ(Mco("kubeletconfigs", "performance").value().dump(), foreign.dump());
  EXPECT_EQ(Mco("machineconfigpools", "worker").value().dump(), pool.dump());
  EXPECT_FALSE(Mco("kubeletconfigs", kOurs).has_value());
}

TEST_F(ManageTest, APausedPoolIsWaitedFor) {
  server_.Merge(absl::StrCat(kMco, "machineconfigpools/worker"), {{"spec", {{"paused", true}}}});
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "False PoolPaused"));
  EXPECT_FALSE(Mco("kubeletconfigs", kOurs).has_value());
  server_.Merge(absl::StrCat(kMco, "machineconfigpools/worker"), {{"spec", {{"paused", false}}}});
  EXPECT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete")) << Message("PoolsConfigured");
}

TEST_F(ManageTest, WhatTheOperatorRefusesIsWithdrawnAtOnce) {
  // It says nothing by itself any more: the test does.
  mco_->Signal(SIGKILL);
  mco_->Wait();
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(WaitFor([this] { return Mco("kubeletconfigs", kOurs).has_value(); }));
  Refuse("Error: not today");
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "False Rejected")) << Message("PoolsConfigured");
  EXPECT_TRUE(WaitFor([this] { return !Mco("kubeletconfigs", kOurs).has_value(); }));
  EXPECT_THAT(Message("PoolsConfigured"), HasSubstr("not today"));
  EXPECT_TRUE(Tells("Rejected"));
}

TEST_F(ManageTest, NodePreparationReachesTheNodesAndIsTakenBack) {
  const std::string before = RenderedName();
  Configure("shop", Managing({{"mode", "Manage"}, {"allowReboot", true}},
                             {{"kernelArguments", {"intel_iommu=on"}},
                              {"kernelModules", {"vfio-pci"}},
                              {"vfioDevices", {"8086:1572"}}}));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete")) << Message("PoolsConfigured");
  EXPECT_TRUE(Mco("machineconfigs", "99-worker-node-devices-shop").has_value());
  EXPECT_EQ(Rendered()["spec"]["kernelArguments"], Json({"intel_iommu=on"}));
  server_.Remove(PathOf("shop"));
  for (const auto& [kind, name] : {std::pair("kubeletconfigs", kOurs),
                                   std::pair("machineconfigs", "99-worker-node-devices-shop")}) {
    // As the garbage collector does it.
    if (Mco(kind, name)) server_.Delete(absl::StrCat(kMco, kind, "/", name));
  }
  EXPECT_TRUE(WaitFor([&] { return IsUpdated() && RenderedName() == before; }));
}

// The nodes are folders: a reboot writes there what the kernel would tell.
TEST_F(ManageTest, AgentsSeeOnTheirNodesWhatBecameOfANodePreparation) {
  const std::string reboot = dir_.Write("reboot", absl::StrCat("cd ", dir_.path().string(), R"(/$1
args=$(jq -r '.spec.kernelArguments // [] | join(" ")' "$2")
printf 'BOOT_IMAGE=/vmlinuz %s\n' "$args" >proc/cmdline
rm -rf sys/module/*
jq -r '.spec.config.storage.files // [] | .[] | select(.path | startswith("/etc/modules-load.d/"))
  | .contents.source' "$2" | sed -e 's/^data:,//' -e 's/%0A/\n/g' -e 's/-/_/g' |
  while read -r module; do [ -z "$module" ] || mkdir -p "sys/module/$module"; done
)"))
                                 .string();
  std::vector<std::unique_ptr<Program>> agents;
  for (const char* node : {"w1", "w2"}) {
    dir_.Write(absl::StrCat(node, "/proc/cmdline"), "BOOT_IMAGE=/vmlinuz");
    std::filesystem::create_directories(dir_.Under(absl::StrCat(node, "/sys/module/kvm")));
    agents.push_back(std::make_unique<Program>(
        std::vector<std::string>{
            ProgramFolder() / "node-device-agent", "--config-name", "shop", "--kubeconfig",
            (dir_.path() / "kubeconfig").string(), "--node-name", node, "--pod-name", "",
            "--host-root", (dir_.path() / node).string(), "--kubelet-dir",
            (dir_.path() / node / "kubelet").string(), "--listen", "127.0.0.1:0"},
        dir_.path() / absl::StrCat(node, ".log")));
  }
  RestartOperator({"--hook", absl::StrCat("sh ", reboot)});
  const Json preparation = {{"kernelArguments", {"iommu=pt"}}, {"kernelModules", {"vfio-pci"}}};
  Configure("shop", Managing({{"mode", "Observe"}}, preparation));
  Start();
  ASSERT_TRUE(Becomes("shop", "NodesPrepared", "False Lacking")) << Message("NodesPrepared");
  EXPECT_TRUE(WaitFor([this] {
    const std::string message = Message("NodesPrepared");
    return message.starts_with("2 of 2 nodes lack") &&
           message.find(
               "w2: the kernel was booted without the argument iommu=pt; the kernel module "
               "vfio-pci is not loaded") != std::string::npos;
  })) << Message("NodesPrepared");
  const Json shown = server_.Find(PathOf("shop")).value()["status"]["pools"][0]["machineConfig"];
  EXPECT_EQ(Json::parse(shown.get<std::string>())["spec"]["kernelArguments"], Json({"iommu=pt"}));
  EXPECT_FALSE(Mco("machineconfigs", "99-worker-node-devices-shop").has_value());

  Json consenting = server_.Find(PathOf("shop")).value();
  consenting["spec"]["deviceManager"] = {{"mode", "Manage"}, {"allowReboot", true}};
  Configure("shop", consenting);
  EXPECT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete")) << Message("PoolsConfigured");
  EXPECT_TRUE(Becomes("shop", "NodesPrepared", "True AsAsked")) << Message("NodesPrepared");

  consenting = server_.Find(PathOf("shop")).value();
  consenting["spec"]["deviceManager"] = {{"mode", "Observe"}};
  Configure("shop", consenting);
  EXPECT_TRUE(Becomes("shop", "NodesPrepared", "False Lacking")) << Message("NodesPrepared");
}

TEST_F(ManageTest, AnOperatorThatIsAwayKeepsNobodyFromBeingDeleted) {
  Configure("shop", Managing(WithConsent()));
  Start();
  ASSERT_TRUE(Becomes("shop", "PoolsConfigured", "True Complete"));
  mco_->Signal(SIGKILL);
  mco_->Wait();
  server_.Delete(PathOf("shop"));
  EXPECT_TRUE(WaitFor([this] { return !server_.Find(PathOf("shop")).has_value(); }));
  EXPECT_TRUE(WaitFor([this] { return server_.In(kDaemonSets).empty(); }));
}

TEST_F(ManageTest, AStartupTaintComesOffWhenTheAgentIsReady) {
  Json config = Managing({{"mode", "Observe"}});
  config["spec"]["startupTaint"] = true;
  Configure("shop", config);
  Start();
  const auto taints = [this](const std::string& node) {
    return server_.Find("/api/v1/nodes/" + node)
        .value()
        .value(Json::json_pointer("/spec/taints"), Json::array());
  };
  ASSERT_TRUE(WaitFor([&] { return taints("w1").size() == 1 && taints("w2").size() == 1; }));
  EXPECT_EQ(taints("w1")[0]["key"], "nodedevices.io/not-ready");
  ASSERT_TRUE(WaitFor([this] { return server_.Find(DaemonSetOf("shop")).has_value(); }));
  BeWell("shop", {"w1"});
  EXPECT_TRUE(WaitFor([&] { return taints("w1").empty(); }));
  EXPECT_EQ(taints("w2").size(), 1u);
  server_.Remove(PathOf("shop"));
  EXPECT_TRUE(WaitFor([&] { return taints("w2").empty(); }));
}

}  // namespace
}  // namespace nodedevice::testing
