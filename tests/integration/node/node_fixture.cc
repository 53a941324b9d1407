#include "tests/integration/node/node_fixture.h"
#include "tests/support/places.h"

#include <signal.h>

#include <cmath>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice::testing {
namespace {

constexpr std::size_t kMostOfACommandLine = 4u << 20;
constexpr char kHead[] =
    "apiVersion: nodedevices.io/v1alpha1\nkind: DevicePluginConfig\nmetadata: {name: test}\n";

}  // namespace

NodeTest::NodeTest() { host_.Under("dev/x"); }

std::string NodeTest::PathsEntry(const std::string& name, const std::string& pattern,
                                 const std::string& more) {
  return absl::StrCat("{name: ", name, ", resourceName: example.com/", name,
                      ", paths: {groups: [{paths: [{path: '", pattern, "'}]}]}", more, "}");
}

std::string NodeTest::ExecEntry(const std::string& name, const std::string& more) const {
  return absl::StrCat("{name: ", name, ", resourceName: example.com/", name, ", exec: {command: [",
                      ProgramFolder().string(), "/fake-device-plugin, ", kubelet_dir(),
                      "/device-plugins, example.com/", name, more, "]}}");
}

void NodeTest::Configure(const std::vector<std::string>& entries) {
  ConfigureText(absl::StrCat(kHead, "spec: {plugins: [", absl::StrJoin(entries, ", "), "]}\n"));
}

void NodeTest::ConfigureText(const std::string& text) {
  // As an editor does: a reader sees the old or the new file.
  std::filesystem::rename(dir_.Write("config.new", text), dir_.path() / "config.yaml");
}

void NodeTest::StartDeviceManager() {
  device_manager_ = std::make_unique<Program>(
      std::vector<std::string>{"device-manager", "serve", "--kubelet-dir", kubelet_dir()},
      dir_.path() / "device-manager.log");
  ASSERT_TRUE(WaitFor([this] { return DeviceManagerSays("status").code == 0; }))
      << device_manager_->Output();
}

void NodeTest::StartAgent() {
  // An earlier one has written to the same log.
  const std::size_t said_before = agent_ ? agent_->Output().size() : 0;
  agent_ = std::make_unique<Program>(
      std::vector<std::string>{"node-device-agent", "--config", dir_.path() / "config.yaml",
                               "--kubelet-dir", kubelet_dir(), "--host-root", host_.path(),
                               "--listen", "127.0.0.1:0"},
      dir_.path() / "agent.log");
  // It says which port it got.
  ASSERT_TRUE(WaitFor([&] {
    const auto port = ServedPort(agent_->Output().substr(said_before));
    port_ = port.value_or(0);
    return port.has_value();
  })) << agent_->Output();
}

void NodeTest::EndDeviceManager(int signal) {
  device_manager_->Signal(signal);
  device_manager_->Wait();
}

void NodeTest::EndAgent(int signal) {
  agent_->Signal(signal);
  agent_->Wait();
}

ProgramResult NodeTest::DeviceManagerSays(const std::string& command,
                                          const std::vector<std::string>& arguments) {
  std::vector<std::string> line = {"device-manager", command, "--kubelet-dir", kubelet_dir()};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return RunProgram(line, dir_.path() / "command.out");
}

std::string NodeTest::PodFile(const std::string& name, const std::map<std::string, int>& limits) {
  std::string text = absl::StrCat(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: ", name,
      "}\nspec:\n  containers:\n  - name: main\n    image: x\n    resources:\n      limits:\n");
  for (const auto& [resource, count] : limits) {
    absl::StrAppend(&text, "        ", resource, ": ", count, "\n");
  }
  return dir_.Write(name + ".yaml", text);
}

NodeTest::Counts NodeTest::At(const std::string& resource) {
  const auto status = nlohmann::json::parse(DeviceManagerSays("status", {"--json"}).output, nullptr,
                                            /*allow_exceptions=*/false);
  if (!status.is_object()) return {};
  for (const auto& entry : status.value("resources", nlohmann::json::array())) {
    if (entry.value("name", "") != resource) continue;
    return {.capacity = entry.value("capacity", -1),
            .allocatable = entry.value("allocatable", -1),
            .connected = entry.value("connected", false)};
  }
  return {};
}

bool NodeTest::WaitForCounts(const std::string& resource, int capacity, int allocatable) {
  return WaitFor([&] {
    const Counts now = At(resource);
    return now.capacity == capacity && now.allocatable == allocatable;
  });
}

double NodeTest::Metric(const std::string& series) const {
  for (const absl::string_view line : absl::StrSplit(Get("/metrics").body, '\n')) {
    const std::string start = absl::StrCat("nodedevice_", series, " ");
    if (line.substr(0, start.size()) == start) {
      return std::atof(std::string(line.substr(start.size())).c_str());
    }
  }
  return -1;
}

bool NodeTest::WaitForMetric(const std::string& series, double value) const {
  return WaitFor([&] { return std::fabs(Metric(series) - value) < 1e-9; });
}

bool NodeTest::WaitUntilReady() const {
  return WaitFor([this] { return Get("/readyz").status == 200; });
}

std::vector<std::pair<pid_t, std::string>> NodeTest::ProcessesOf(const std::string& program) const {
  std::vector<std::pair<pid_t, std::string>> processes;
  const std::filesystem::path proc = "/proc";
  for (const std::string& name : NamesIn(proc)) {
    const int pid = std::atoi(name.c_str());
    if (pid <= 0) continue;
    const std::string line =
        ReadFile(proc / name / "cmdline", kMostOfACommandLine).value_or("");  // "": it has ended
    if (line.find("/" + program) == std::string::npos) continue;
    if (line.find(kubelet_dir()) != std::string::npos && !HasEnded(pid)) {
      processes.emplace_back(pid, line);
    }
  }
  return processes;
}

std::vector<pid_t> NodeTest::Plugins() const {
  std::vector<pid_t> pids;
  for (const auto& [pid, line] : ProcessesOf("node-device-plugin")) {
    if (line.find("--plugin") != std::string::npos) pids.push_back(pid);
  }
  return pids;
}

std::vector<pid_t> NodeTest::Observers() const {
  std::vector<pid_t> pids;
  for (const auto& [pid, line] : ProcessesOf("node-device-plugin")) {
    if (line.find("--observe") != std::string::npos) pids.push_back(pid);
  }
  return pids;
}

std::vector<pid_t> NodeTest::ForeignPlugins() const {
  std::vector<pid_t> pids;
  for (const auto& [pid, line] : ProcessesOf("fake-device-plugin")) pids.push_back(pid);
  return pids;
}

}  // namespace nodedevice::testing
