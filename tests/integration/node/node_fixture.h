#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/http_client.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {

// A whole node in a folder: a fake host with device nodes, our Device Manager in the kubelet's
// place, and the real agent with real plugins.
class NodeTest : public ::testing::Test {
 protected:
  NodeTest();

  // ---- the host ----------------------------------------------------------------------------
  void Plug(const std::string& device) { host_.MakeNode(device); }
  void Unplug(const std::string& device) { host_.Remove(device); }

  // ---- configuration -----------------------------------------------------------------------
  // An entry of spec.plugins for the paths that match `pattern`.
  static std::string PathsEntry(const std::string& name, const std::string& pattern,
                                const std::string& more = "");
  // An entry for a foreign plugin that announces two devices; see fake_plugin_main.cc.
  std::string ExecEntry(const std::string& name, const std::string& more = "") const;
  void Configure(const std::vector<std::string>& entries);
  void ConfigureText(const std::string& text);

  // ---- programs ----------------------------------------------------------------------------
  void StartDeviceManager();
  void StartAgent();
  Program& device_manager() { return *device_manager_; }
  Program& agent() { return *agent_; }
  void EndDeviceManager(int signal);
  void EndAgent(int signal);
  // device-manager COMMAND --kubelet-dir DIR ARGUMENTS...
  ProgramResult DeviceManagerSays(const std::string& command,
                                  const std::vector<std::string>& arguments = {});
  std::string PodFile(const std::string& name, const std::map<std::string, int>& limits);

  // ---- what is the case --------------------------------------------------------------------
  // Of one resource at the Device Manager; -1: it does not know it.
  struct Counts {
    int capacity = -1;
    int allocatable = -1;
    bool connected = false;
    bool operator==(const Counts&) const = default;
  };
  Counts At(const std::string& resource);
  bool WaitForCounts(const std::string& resource, int capacity, int allocatable);
  // The value of a series of the agent, without the prefix "nodedevice_"; -1: not there.
  double Metric(const std::string& series) const;
  bool WaitForMetric(const std::string& series, double value) const;
  HttpAnswer Get(const std::string& path) const { return HttpGet(port_, path); }
  bool WaitUntilReady() const;
  // Process ids of the plugins that work for this test's kubelet folder; of the process that asks
  // the kubelet; and of foreign plugins.
  std::vector<pid_t> Plugins() const;
  std::vector<pid_t> Observers() const;
  std::vector<pid_t> ForeignPlugins() const;

  const TempDir host_;
  const TempDir dir_;

 private:
  // Living processes of this program of ours that work for this test's kubelet folder.
  std::vector<std::pair<pid_t, std::string>> ProcessesOf(const std::string& program) const;
  std::string kubelet_dir() const { return (dir_.path() / "k").string(); }
  std::unique_ptr<Program> device_manager_;
  std::unique_ptr<Program> agent_;
  std::uint16_t port_ = 0;
};

}  // namespace nodedevice::testing
