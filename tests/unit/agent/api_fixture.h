#pragma once

#include <memory>
#include <string>

#include "agent/snapshot.h"
#include "gtest/gtest.h"
#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "tests/support/fake_api_server.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

inline constexpr char kConfigs[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs";
inline constexpr char kStates[] = "/apis/nodedevices.io/v1alpha1/nodedevicestates";
inline constexpr char kEvents[] = "/apis/events.k8s.io/v1/namespaces/default/events";

// A DevicePluginConfig with one plugin of this name.
inline nlohmann::json ConfigWith(const std::string& plugin) {
  return {{"apiVersion", "nodedevices.io/v1alpha1"},
          {"kind", "DevicePluginConfig"},
          {"spec",
           {{"plugins",
             {{{"name", plugin},
               {"resourceName", "example.com/" + plugin},
               {"exec", {{"command", {"/bin/true"}}}}}}}}}};
}

// A part of the agent before a real client and an API server that behaves.
class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    const absl::StatusOr<ClusterAccess> access =
        AccessFromKubeconfig(dir_.Write("kubeconfig", server_.Kubeconfig()));
    EXPECT_TRUE(access.ok()) << access.status();
    absl::StatusOr<std::unique_ptr<ApiClient>> client =
        ApiClient::Create(*access, {.user_agent = "test"});
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    worker_ = std::make_unique<Worker>();
  }
  ~ApiTest() override { client_->Shutdown(); }

  bool Until(const std::function<bool()>& condition) { return RunUntil(loop_, condition); }
  // Runs until everything that was asked for so far has been done, and told to the loop.
  void Drain() {
    bool drained = false;
    worker_->Do([&] { loop_.Post([&] { drained = true; }); });
    EXPECT_TRUE(Until([&] { return drained; }));
  }

  const TempDir dir_;
  FakeApiServer server_;
  EventLoop loop_;
  std::unique_ptr<ApiClient> client_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace nodedevice::testing
