#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/process.h"
#include "tests/support/http_client.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unix_listener.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {

// True once the process is gone, or dead and only waiting for its parent.
bool IsDead(int pid);

// A node-device-agent of its own, with a folder for everything it touches. Shell scripts stand in
// for plugins, a socket that only listens for the Device Manager.
class AgentTest : public ::testing::Test {
 protected:
  AgentTest();
  ~AgentTest() override;

  // ---- the node ----------------------------------------------------------------------------

  // Writes an executable script and returns its path. One that stands for node-device-plugin and is
  // asked to observe the kubelet says nothing.
  std::string Script(const std::string& name, const std::string& body);
  // One entry of spec.plugins: a foreign plugin, or one of ours (the script "node-device-plugin").
  static std::string ExecEntry(const std::string& name, const std::string& command);
  static std::string OwnEntry(const std::string& name, const std::string& resource);
  // Replaces the configuration file, as an editor does.
  void WriteConfig(const std::vector<std::string>& entries);
  void WriteConfigText(const std::string& text);
  void StartDeviceManager();
  void StopDeviceManager();

  // ---- the agent ---------------------------------------------------------------------------

  // Starts it and waits until it serves.
  void StartAgent();
  // The same with these arguments beside the usual ones, up to where it says on which port it
  // serves "http" or "https".
  void StartAgent(const std::string& arguments, const std::string& scheme);
  void Signal(int signal);
  // Its end; fails the test when it does not come.
  ChildExit WaitForAgentExit();
  // Runs the agent's program with these arguments to its end; its output and errors.
  struct Outcome {
    ChildExit exit;
    std::string output;
  };
  Outcome RunProgram(std::vector<std::string> arguments);

  // ---- what it says ------------------------------------------------------------------------

  std::uint16_t port() const { return port_; }
  HttpAnswer Get(const std::string& path) const { return HttpGet(port_, path); }
  bool IsReady() const { return Get("/readyz").status == 200; }
  bool ReadinessSays(const std::string& text) const;
  // The value of a series, spelled as in /metrics without the prefix "nodedevice_"; -1: not there.
  double Metric(const std::string& series) const;
  std::string Log() const;

  // ---- what the scripts say ------------------------------------------------------------------

  // The content of a file that a script writes below the test's folder; empty: not there yet.
  std::string FileText(const std::string& relative) const;
  // Waits until the file holds a process id.
  int PidIn(const std::string& relative) const;

  const TempDir dir_;
  const std::string folder_ = dir_.path().string();

 private:
  std::unique_ptr<UnixListener> device_manager_;
  SpawnedChild agent_;
  std::uint16_t port_ = 0;
};

}  // namespace nodedevice::testing
