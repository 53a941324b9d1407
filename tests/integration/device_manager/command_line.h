#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/kubelet/paths.h"
#include "nlohmann/json.hpp"
#include "tests/integration/device_manager/command.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// The real program on a folder of its own, spoken to by its own commands.
class CommandLineTest : public ::testing::Test {
 protected:
  static constexpr char kResource[] = "example.com/a";

  // Returns when it answers.
  void StartServing(const std::vector<std::string>& options = {});

  // Starts the plugin of kResource; returns when its devices are allocatable.
  void StartPlugin(const std::string& socket, const std::vector<std::string>& ids,
                   PluginScript script = {});

  // `device-manager COMMAND --kubelet-dir DIR ...`
  Outcome Run(std::vector<std::string> arguments) const;

  // The manifest of a pod whose container asks for `count` of kResource.
  std::string PodFile(const std::string& name, int count) const;

  nlohmann::json Status() const;

  TempDir dir_;
  const KubeletPaths paths_{dir_.path()};
  std::unique_ptr<ServeProcess> serve_;
  std::unique_ptr<FakePlugin> plugin_;
};

}  // namespace nodedevice::testing
