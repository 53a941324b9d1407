// The fake operator at work on an API server, over the wire.

#include "tests/support/fake_mco_operator.h"

#include <gtest/gtest.h>

#include "lib/kube/object_fields.h"
#include "tests/support/fake_api_server.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

FakeMco::Options Quick() {
  return {.render_delay = milliseconds(5),
          .status_delay = milliseconds(5),
          .update_time = milliseconds(5),
          .retries = {.first = milliseconds(1), .doublings = 4, .later = milliseconds(20)}};
}

class FakeMcoOperatorTest : public ::testing::Test {
 protected:
  FakeMcoOperatorTest() {
    api_.Put(std::string(mco::kNodes) + "/n1",
             {{"metadata", {{"labels", {{"node-role.kubernetes.io/worker", ""}}}}}});
    const absl::StatusOr<ClusterAccess> access =
        AccessFromKubeconfig(dir_.Write("kubeconfig", api_.Kubeconfig()));
    EXPECT_TRUE(access.ok()) << access.status();
    absl::StatusOr<std::unique_ptr<ApiClient>> client =
        ApiClient::Create(*access, {.user_agent = "fake-mco"});
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    worker_ = std::make_unique<Worker>();
  }
  ~FakeMcoOperatorTest() override { client_->Shutdown(); }

  void Start(FakeMcoOperator::Hook hook = nullptr) {
    operator_ =
        std::make_unique<FakeMcoOperator>(loop_, *worker_, *client_, Quick(), std::move(hook), 1);
    operator_->Start();
  }
  bool Until(const std::function<bool()>& condition) { return RunUntil(loop_, condition); }

  Json Find(const char* collection, const std::string& name) const {
    return api_.Find(std::string(collection) + "/" + name).value_or(nullptr);
  }
  void AddKubeletConfig() {
    api_.Put(
        std::string(mco::kKubeletConfigs) + "/k",
        {{"spec",
          {{"machineConfigPoolSelector",
            {{"matchLabels", {{"pools.operator.machineconfiguration.openshift.io/worker", ""}}}}},
           {"kubeletConfig", {{"maxPods", 300}}}}}});
  }
  // The pool's nodes have what its spec says.
  bool IsUpdated() const {
    const Json pool = Find(mco::kPools, "worker");
    const Json node = Find(mco::kNodes, "n1");
    const std::string target = TextAt(pool, "/spec/configuration/name");
    return !target.empty() && TextAt(pool, "/status/configuration/name") == target &&
           mco::AnnotationOf(node, mco::kCurrentConfig) == target;
  }
  std::string Target() const {
    return TextAt(Find(mco::kPools, "worker"), "/spec/configuration/name");
  }

  const TempDir dir_;
  FakeApiServer api_;
  EventLoop loop_;
  std::unique_ptr<ApiClient> client_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<FakeMcoOperator> operator_;
};

TEST_F(FakeMcoOperatorTest, AKubeletConfigComesAndGoes) {
  Start();
  ASSERT_TRUE(Until([this] { return IsUpdated(); }));
  const std::string before = Target();
  AddKubeletConfig();
  ASSERT_TRUE(Until([&] { return IsUpdated() && Target() != before; }));
  EXPECT_EQ(TextAt(Find(mco::kKubeletConfigs, "k")["status"]["conditions"].back(), "/type"),
            "Success");
  api_.Delete(std::string(mco::kKubeletConfigs) + "/k");
  EXPECT_TRUE(Until([&] { return IsUpdated() && Target() == before; }));
  EXPECT_TRUE(Find(mco::kKubeletConfigs, "k").is_null());
  EXPECT_TRUE(Find(mco::kMachineConfigs, "99-worker-generated-kubelet").is_null());
}

TEST_F(FakeMcoOperatorTest, AServerThatDoesNotTakeWritesIsAskedAgain) {
  Start();
  ASSERT_TRUE(Until([this] { return IsUpdated(); }));
  const std::string before = Target();
  const std::string create = std::string("POST ") + mco::kMachineConfigs;
  const int created = api_.Count(create);
  api_.Refuse(create, 500);
  AddKubeletConfig();
  ASSERT_TRUE(Until([&] { return api_.Count(create) > created; }));
  api_.Refuse(create, 0);
  EXPECT_TRUE(Until([&] { return IsUpdated() && Target() != before; }));
}

TEST_F(FakeMcoOperatorTest, AnOperatorThatStartsAgainGoesOnWithAnUpdate) {
  int begun = 0;
  Start([&](const mco::NodeUpdate&, const std::function<void(std::string)>&) { ++begun; });
  ASSERT_TRUE(Until([this] { return IsUpdated(); }));
  const std::string before = Target();
  AddKubeletConfig();
  ASSERT_TRUE(Until([&] { return begun == 1; }));
  operator_.reset();
  Start([&](const mco::NodeUpdate& update, const std::function<void(std::string)>& done) {
    EXPECT_EQ(update.node, "n1");
    EXPECT_EQ(mco::NameOf(update.machine_config), Target());
    done("");
  });
  EXPECT_TRUE(Until([&] { return IsUpdated() && Target() != before; }));
}

TEST_F(FakeMcoOperatorTest, AHookThatFailsDegradesTheNode) {
  Start([](const mco::NodeUpdate&, const std::function<void(std::string)>& done) { done("no"); });
  ASSERT_TRUE(Until([this] { return IsUpdated(); }));
  AddKubeletConfig();
  ASSERT_TRUE(Until(
      [this] { return mco::AnnotationOf(Find(mco::kNodes, "n1"), mco::kState) == "Degraded"; }));
  EXPECT_EQ(mco::AnnotationOf(Find(mco::kNodes, "n1"), mco::kReason), "no");
}

}  // namespace
}  // namespace nodedevice::testing
