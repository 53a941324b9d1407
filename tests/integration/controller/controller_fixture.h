#pragma once

#include <cstdint>
#include <functional>
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

inline constexpr char kConfigs[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs";
inline constexpr char kStates[] = "/apis/nodedevices.io/v1alpha1/nodedevicestates";
inline constexpr char kDaemonSets[] = "/apis/apps/v1/namespaces/node-device/daemonsets";
inline constexpr char kLease[] =
    "/apis/coordination.k8s.io/v1/namespaces/node-device/leases/node-device-controller";
inline constexpr char kEvents[] = "/apis/events.k8s.io/v1/namespaces/default/events";

// node-device-controller as a process, before an API server in memory of a cluster without
// MachineConfigPools. The nodes w1 and w2 have the label rack=a. What the rest of a cluster does, a
// test does.
class ControllerTest : public ::testing::Test {
 protected:
  using Json = nlohmann::json;

  ControllerTest();
  ~ControllerTest() override;

  // ---- the cluster ---------------------------------------------------------------------------

  static Json NodeWith(const Json& labels);
  // A configuration for the nodes of a rack, with one static device as example.com/<resource>.
  static Json ConfigFor(const std::string& rack, const std::string& resource);
  void Configure(const std::string& name, const Json& config) { server_.Put(PathOf(name), config); }
  static std::string PathOf(const std::string& config) { return kConfigs + ("/" + config); }
  static std::string DaemonSetOf(const std::string& config) {
    return kDaemonSets + ("/node-device-agent-" + config);
  }
  // What the DaemonSet's controller and the agents would say on these nodes: all is well.
  void BeWell(const std::string& config, const std::vector<std::string>& nodes);

  // ---- the controller --------------------------------------------------------------------------

  std::unique_ptr<Program> Launch(const std::string& pod,
                                  const std::vector<std::string>& more = {});
  // Starts it, with these arguments beside the usual ones, and waits until it serves.
  void Start(const std::vector<std::string>& more = {});
  std::string Log() const { return controller_->Output(); }
  bool LogSays(const std::string& text) const;
  HttpAnswer Get(const std::string& path) const { return HttpGet(port_, path); }
  bool MetricsSay(const std::string& line) const;
  bool IsReady() const;

  // ---- what it has written ---------------------------------------------------------------------

  // "True AllNodesReady", as a condition of a configuration stands there.
  std::string Condition(const std::string& config, const std::string& type) const;
  bool Becomes(const std::string& config, const std::string& type, const std::string& text) const;
  // The reasons of the Events so far.
  std::vector<std::string> Told() const;
  bool Tells(const std::string& reason) const;
  // Requests that would change something.
  int Writes() const;

  const TempDir dir_;
  FakeApiServer server_;
  std::unique_ptr<Program> controller_;
  std::uint16_t port_ = 0;
  bool ends_well_ = true;  // false: it is always killed, so nobody asks for leaks

 private:
  int launched_ = 0;
};

}  // namespace nodedevice::testing
