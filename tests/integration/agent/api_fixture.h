#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/fake_api_server.h"
#include "tests/support/http_client.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {

inline constexpr char kRig[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs/rig";
inline constexpr char kState[] = "/apis/nodedevices.io/v1alpha1/nodedevicestates/w7.rig";
inline constexpr char kEvents[] = "/apis/events.k8s.io/v1/namespaces/default/events";

// The agent that is given a name instead of a file, on the node w7: real programs, a Device Manager
// of ours, and an API server that behaves, or fails as a test wants it to.
class AgentInTheApiTest : public ::testing::Test {
 protected:
  using Json = nlohmann::json;

  AgentInTheApiTest();
  ~AgentInTheApiTest() override;

  // ---- the cluster ---------------------------------------------------------------------------

  // A configuration of plugins of these names, each of which announces one device as
  // example.com/<name>.
  static Json ConfigOf(const std::vector<std::string>& plugins);
  // Makes it the configuration that the agent follows.
  void Configure(const std::vector<std::string>& plugins) { server_.Put(kRig, ConfigOf(plugins)); }

  // ---- the Device Manager ----------------------------------------------------------------------

  void StartDeviceManager();
  // How many devices of example.com/<plugin> it would hand out; -1: it does not know them.
  int Allocatable(const std::string& plugin) const;

  // ---- the agent -------------------------------------------------------------------------------

  // Starts it, with these arguments beside the usual ones, and waits until it serves.
  void StartAgent(const std::vector<std::string>& more = {});
  std::string Log() const { return agent_->Output(); }
  bool LogSays(const std::string& text) const;
  HttpAnswer Get(const std::string& path) const { return HttpGet(port_, path); }
  bool MetricsSay(const std::string& line) const;
  // What it serves at this path comes to hold the text.
  bool Says(const std::string& path, const std::string& text) const;

  // ---- what it has written ---------------------------------------------------------------------

  // The status of the NodeDeviceState; an empty object when there is none.
  Json Status() const;
  // "True AllRegistered", as it stands there.
  std::string Ready() const;
  // The process of a plugin; 0: it says nothing of one.
  int PidOf(const std::string& plugin) const;
  // Waits until it is ready, and this is its first plugin.
  bool BecomesReady(const std::string& plugin) const;

  const TempDir dir_;
  FakeApiServer server_;
  std::unique_ptr<Program> agent_;
  std::uint16_t port_ = 0;

 private:
  Json DeviceManagerStatus() const;
  std::string kubelet_dir() const { return (dir_.path() / "k").string(); }

  std::unique_ptr<Program> device_manager_;
};

}  // namespace nodedevice::testing
