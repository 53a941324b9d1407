#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "devicemanager/server.h"
#include "gtest/gtest.h"
#include "lib/base/event_loop.h"
#include "lib/kubelet/paths.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// A Device Manager in this process, on a folder of its own, that does not wait ten seconds for a
// plugin that is not there.
class LocalDeviceManagerTest : public ::testing::Test {
 protected:
  LocalDeviceManagerTest();
  ~LocalDeviceManagerTest() override;

  std::filesystem::path Socket(const std::string& name) const {
    return paths_.device_plugins() / name;
  }

  // The resource has these numbers now.
  bool Has(const std::string& resource, const devicemanager::Model::Counts& counts);
  // Waits until the resource has these numbers.
  ::testing::AssertionResult Shows(const std::string& resource,
                                   const devicemanager::Model::Counts& counts);

  // Admits the pod "<name>" with one container that asks for `count` of the resource.
  devicemanager::Admission Admit(const std::string& name, const std::string& resource, int count);
  devicemanager::Admission AdmitYaml(const std::string& yaml);

  // A restart as by `device-manager restart`. Returns while kubelet.sock refuses.
  void BeginRestart(Duration down);
  int Starts();

  std::string Checkpoint() const;

  TempDir dir_;
  const KubeletPaths paths_;
  EventLoop loop_;
  std::unique_ptr<devicemanager::Server> server_;

 private:
  std::thread thread_;
};

}  // namespace nodedevice::testing
