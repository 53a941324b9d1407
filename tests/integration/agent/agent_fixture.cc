#include "tests/integration/agent/agent_fixture.h"
#include "tests/support/places.h"

#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/file.h"

namespace nodedevice::testing {
namespace {

const std::string kAgent = ProgramFolder() / "node-device-agent";
constexpr std::size_t kLogLimit = 64u << 20;

}  // namespace

bool IsDead(int pid) {
  const auto stat = ReadAttribute(absl::StrCat("/proc/", pid, "/stat"));
  return !stat.ok() || stat->find(") Z ") != std::string::npos;
}

AgentTest::AgentTest() {
  // What an agent leaves behind becomes our child, so the test's own end is clean too.
  const absl::Status adopting = AdoptOrphans();
  EXPECT_TRUE(adopting.ok()) << adopting;
  std::filesystem::create_directories(dir_.path() / "kubelet/device-plugins");
}

AgentTest::~AgentTest() {
  if (agent_.pid != 0) {
    Signal(SIGTERM);
    Signal(SIGTERM);  // at once
    WaitForAgentExit();
  }
  if (HasFailure()) std::fprintf(stderr, "---- the agent's log:\n%s----\n", Log().c_str());
}

std::string AgentTest::Script(const std::string& name, const std::string& body) {
  // Renamed into place: a process that is starting it never sees it open for writing.
  const auto draft =
      dir_.Write(name + ".draft", "#!/bin/sh\n[ \"$1\" != --observe ] || exec sleep 1000\ncd " +
                                      folder_ + "\n" + body + "\n");
  std::filesystem::permissions(draft, std::filesystem::perms::owner_all);
  const auto path = dir_.path() / name;
  std::filesystem::rename(draft, path);
  return path.string();
}

std::string AgentTest::ExecEntry(const std::string& name, const std::string& command) {
  return absl::StrCat("{name: ", name, ", resourceName: example.com/", name, ", exec: {command: [",
                      command, "]}}");
}

std::string AgentTest::OwnEntry(const std::string& name, const std::string& resource) {
  return absl::StrCat("{name: ", name, ", resourceName: ", resource,
                      ", static: {devices: [{id: one}]}}");
}

void AgentTest::WriteConfig(const std::vector<std::string>& entries) {
  WriteConfigText(
      absl::StrCat("apiVersion: nodedevices.io/v1alpha1\nkind: DevicePluginConfig\n"
                   "metadata: {name: test}\nspec:\n  plugins: [",
                   absl::StrJoin(entries, ", "), "]\n"));
}

void AgentTest::WriteConfigText(const std::string& text) {
  const absl::Status written = WriteFileAtomically(dir_.path() / "config.yaml", text);
  ASSERT_TRUE(written.ok()) << written;
}

void AgentTest::StartDeviceManager() {
  const auto socket = dir_.path() / "kubelet/device-plugins/kubelet.sock";
  std::filesystem::remove(socket);
  device_manager_ = std::make_unique<UnixListener>(socket);
}

void AgentTest::StopDeviceManager() { device_manager_.reset(); }

void AgentTest::StartAgent() {
  StartAgent("", "http");
  ASSERT_TRUE(WaitFor([this] { return Get("/healthz").status == 200; }));
}

void AgentTest::StartAgent(const std::string& arguments, const std::string& scheme) {
  const std::string command = absl::StrCat(
      "exec ", kAgent, " --config ", folder_, "/config.yaml --host-root ", folder_,
      "/host --kubelet-dir ", folder_, "/kubelet --listen 127.0.0.1:0 --plugin-binary ", folder_,
      "/node-device-plugin ", arguments, " 2> ", folder_, "/agent.log");
  absl::StatusOr<SpawnedChild> agent =
      Spawn({.command = {"/bin/sh", "-c", command}, .parent_death_signal = SIGKILL});
  ASSERT_TRUE(agent.ok()) << agent.status();
  agent_ = *std::move(agent);
  ASSERT_TRUE(WaitFor([this, says = "serving " + scheme + "://127.0.0.1:"] {
    const std::string log = Log();
    const std::size_t at = log.find(says);
    if (at == std::string::npos || log.find("/ with", at) == std::string::npos) return false;
    port_ = static_cast<std::uint16_t>(std::atoi(log.c_str() + at + says.size()));
    return true;
  })) << Log();
}

void AgentTest::Signal(int signal) { ::kill(agent_.pid, signal); }

ChildExit AgentTest::WaitForAgentExit() {
  ChildExit result;
  const int pid = std::exchange(agent_.pid, 0);
  EXPECT_TRUE(WaitFor([&] {
    ReapChildren([&](const ChildExit& exit) {
      if (exit.pid == pid) result = exit;
    });
    return result.pid == pid;
  })) << "the agent does not end";
  return result;
}

AgentTest::Outcome AgentTest::RunProgram(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kAgent);
  Outcome outcome;
  const absl::StatusOr<SpawnedChild> child =
      Spawn({.command = arguments, .parent_death_signal = SIGKILL});
  EXPECT_TRUE(child.ok()) << child.status();
  if (!child.ok()) return outcome;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(child->output.get(), buffer, sizeof(buffer));
    if (n == 0) break;
    if (n > 0) {
      outcome.output.append(buffer, static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd readable{.fd = child->output.get(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, -1);
    }
  }
  EXPECT_TRUE(WaitFor([&] {
    ReapChildren([&](const ChildExit& exit) {
      if (exit.pid == child->pid) outcome.exit = exit;
    });
    return outcome.exit.pid == child->pid;
  }));
  return outcome;
}

bool AgentTest::ReadinessSays(const std::string& text) const {
  const HttpAnswer answer = Get("/readyz");
  return answer.status == 503 && answer.body.find(text) != std::string::npos;
}

double AgentTest::Metric(const std::string& series) const {
  const std::string text = Get("/metrics").body;
  const std::string line = "\nnodedevice_" + series + " ";
  const std::size_t at = text.find(line);
  return at == std::string::npos ? -1 : std::atof(text.c_str() + at + line.size());
}

std::string AgentTest::Log() const {
  return ReadFile(dir_.path() / "agent.log", kLogLimit).value_or("");
}

std::string AgentTest::FileText(const std::string& relative) const {
  return ReadFile(dir_.path() / relative, kLogLimit).value_or("");
}

int AgentTest::PidIn(const std::string& relative) const {
  EXPECT_TRUE(WaitFor([&] { return FileText(relative).ends_with('\n'); })) << relative;
  return std::atoi(FileText(relative).c_str());
}

}  // namespace nodedevice::testing
