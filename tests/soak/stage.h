#pragma once

#include <signal.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "devicemanager/control.h"
#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "tests/soak/checks.h"
#include "tests/soak/figures.h"
#include "tests/soak/node.h"
#include "tests/support/fake_api_server.h"
#include "tests/support/http_client.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::soak {

// A fake node in a folder, with the real programs on it: a Device Manager in the kubelet's place
// and an agent with its plugins, which has its configuration from a file or from an API server in
// this process. One thread. Everything ends with the object.
class Stage {
 public:
  // `limit`: what is waited for and does not come within it is an error.
  explicit Stage(Duration limit);

  // ---- the host and the configuration ------------------------------------------------------

  void Plug(const std::string& device) { host_.MakeNode("dev/" + device); }
  void Unplug(const std::string& device) { host_.Remove("dev/" + device); }
  // Another node under the same name, which is there all the time.
  void Replace(const std::string& device);
  // To the file, as an editor does it, and to the API server.
  void Configure(const nlohmann::json& config);
  testing::FakeApiServer& api() { return api_; }

  // ---- processes ---------------------------------------------------------------------------

  // Returns when it answers.
  absl::Status StartKubelet();
  // Sends the signal and waits for its end. An error when it did not end in good order though it
  // was asked to, or when a sanitizer found something.
  absl::Status EndKubelet(int signal);
  // Returns when it serves.
  absl::Status StartAgent(Source source);
  // As EndKubelet. After SIGTERM none of its plugins may be left.
  absl::Status EndAgent(int signal);

  // ---- questions ---------------------------------------------------------------------------

  // Of the Device Manager's control socket.
  absl::StatusOr<nlohmann::json> Ask(const devicemanager::ControlJson& request) const;
  absl::StatusOr<nlohmann::json> KubeletStatus() const { return Ask({{"command", "status"}}); }
  // The agent's side.
  Seen Look() const;
  std::map<std::string, double> Series() const;
  std::vector<SeenProcess> Processes() const;
  // Figures of every process that is there. Each is the least of a few looks, so that what is open
  // for a moment does not count.
  absl::StatusOr<Mark> Measure() const;
  // What the NodeDeviceState lacks beside the configuration that the API server has; empty:
  // nothing.
  std::string StateLacks() const;

  // Looks every few milliseconds. `condition` is empty when it holds, else what is missing.
  absl::Status WaitUntil(const std::string& what,
                         const std::function<std::string()>& condition) const;

  // The ends of the programs' logs.
  std::string Logs() const;

 private:
  std::string KubeletDir() const { return (dir_.path() / "k").string(); }
  absl::Status End(std::unique_ptr<testing::Program>& program, const std::string& name, int signal);
  void ReapAdopted(pid_t pid) const;

  const Duration limit_;
  const testing::TempDir host_;
  const testing::TempDir dir_;
  testing::FakeApiServer api_;
  std::unique_ptr<testing::Program> kubelet_;
  std::unique_ptr<testing::Program> agent_;
  int starts_ = 0;  // of agents
  std::uint16_t port_ = 0;
};

}  // namespace nodedevice::soak
