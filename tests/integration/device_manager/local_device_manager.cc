#include "tests/integration/device_manager/local_device_manager.h"

#include <future>
#include <stdexcept>

#include "lib/base/file.h"

namespace nodedevice::testing {

using devicemanager::Admission;
using devicemanager::State;

LocalDeviceManagerTest::LocalDeviceManagerTest() : paths_(dir_.path()) {
  // Short, for those who wait for its end, and long enough for a machine that plays six tests at a
  // time.
  auto server = devicemanager::Server::Start(
      loop_, paths_,
      {.dial_timeout = std::chrono::seconds(2), .pre_start_timeout = std::chrono::seconds(30)});
  if (!server.ok()) throw std::runtime_error(std::string(server.status().message()));
  server_ = *std::move(server);
  thread_ = std::thread([this] { loop_.Run(); });
}

LocalDeviceManagerTest::~LocalDeviceManagerTest() {
  loop_.Post([this] { loop_.Stop(); });  // a stop before the thread runs the loop would be lost
  thread_.join();
}

bool LocalDeviceManagerTest::Has(const std::string& resource,
                                 const devicemanager::Model::Counts& counts) {
  return server_->state().WaitUntil(
      [&](const State& state) {
        const auto resources = state.model.Resources();
        const auto found = resources.find(resource);
        return found != resources.end() && found->second == counts;
      },
      Clock::now());
}

::testing::AssertionResult LocalDeviceManagerTest::Shows(
    const std::string& resource, const devicemanager::Model::Counts& counts) {
  devicemanager::Model::Counts last;
  const bool shown = server_->state().WaitUntil(
      [&](const State& state) {
        const auto resources = state.model.Resources();
        const auto found = resources.find(resource);
        last = found == resources.end() ? devicemanager::Model::Counts() : found->second;
        return found != resources.end() && last == counts;
      },
      Clock::now() + std::chrono::seconds(30));
  if (shown) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << resource << ": capacity " << last.capacity << ", allocatable " << last.allocatable
         << ", connected " << last.connected;
}

Admission LocalDeviceManagerTest::Admit(const std::string& name, const std::string& resource,
                                        int count) {
  return AdmitYaml("{apiVersion: v1, kind: Pod, metadata: {name: " + name +
                   "}, spec: {containers: [{name: main, resources: {limits: {" + resource + ": " +
                   std::to_string(count) + "}}}]}}");
}

Admission LocalDeviceManagerTest::AdmitYaml(const std::string& yaml) {
  auto pod = devicemanager::ParsePod(yaml);
  if (!pod.ok()) throw std::runtime_error(std::string(pod.status().message()));
  auto admission = server_->admitter().Admit(*std::move(pod));
  if (!admission.ok()) throw std::runtime_error(std::string(admission.status().message()));
  return *std::move(admission);
}

void LocalDeviceManagerTest::BeginRestart(Duration down) {
  std::promise<void> down_now;
  loop_.Post([&] {
    server_->Restart(down, [](const absl::Status& status) { ADD_FAILURE() << status; });
    down_now.set_value();
  });
  down_now.get_future().wait();
}

int LocalDeviceManagerTest::Starts() {
  return server_->state().Read([](const State& state) { return state.starts; });
}

std::string LocalDeviceManagerTest::Checkpoint() const {
  return ReadFile(paths_.checkpoint(), 1u << 24).value_or("");
}

}  // namespace nodedevice::testing
