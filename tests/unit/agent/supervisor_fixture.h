#pragma once

// Lets a test speak with a Supervisor in sentences: Do(event) gives the actions as words.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "agent/supervisor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {

inline PluginSpec OwnSpec(const std::string& name, const std::string& resource = "") {
  PluginSpec spec;
  spec.name = name;
  spec.resource_name = resource.empty() ? "example.com/" + name : resource;
  spec.discovery = Static{};
  spec.text = "{\"name\":\"" + name + "\"}";
  return spec;
}

inline PluginSpec ExecSpec(const std::string& name, std::vector<std::string> command) {
  PluginSpec spec = OwnSpec(name);
  spec.discovery = Exec{.command = std::move(command)};
  return spec;
}

inline ResourceReport ResourceIn(RegistrationPhase phase, const std::string& resource) {
  ResourceReport report;
  report.resource = resource;
  report.phase = phase;
  return report;
}

inline std::string Words(const Action& action) {
  struct Visitor {
    std::string operator()(const Start& start) const { return "start " + start.spec.name; }
    std::string operator()(const Terminate& stop) const {
      return (stop.mode == StopMode::kRestart ? "terminate " : "withdraw ") + stop.plugin;
    }
    std::string operator()(const Kill& kill) const { return "kill " + kill.plugin; }
    std::string operator()(const LookAtSockets& look) const { return "look at " + look.plugin; }
    std::string operator()(const AllStopped&) const { return "all stopped"; }
  };
  return std::visit(Visitor{}, action);
}

class SupervisorTest : public ::testing::Test {
 protected:
  using Actions = std::vector<std::string>;

  Actions Do(const Event& event) {
    Actions words;
    for (const Action& action : supervisor_.Handle(event, now_)) words.push_back(Words(action));
    return words;
  }

  // Lets time pass; deadlines that are reached on the way are not told.
  void Wait(Duration duration) { now_ += duration; }

  Actions KubeletUp() { return Do(KubeletChanged{Transition::kUp}); }
  Actions KubeletReplaced() { return Do(KubeletChanged{Transition::kReplaced}); }
  Actions KubeletDown() { return Do(KubeletChanged{Transition::kDown}); }
  Actions Want(std::vector<PluginSpec> specs) { return Do(DesiredChanged{std::move(specs)}); }
  Actions Spawn(const std::string& plugin, int pid) { return Do(Spawned{plugin, pid}); }
  Actions Report(const std::string& plugin, int pid, RegistrationPhase phase) {
    return Do(Reported{plugin, pid, {{ResourceIn(phase, "example.com/" + plugin)}}});
  }
  Actions Exited(const std::string& plugin, int pid, int code) {
    return Do(ChildExited{plugin, {.pid = pid, .signaled = false, .number = code}});
  }
  Actions Killed(const std::string& plugin, int pid, int signal) {
    return Do(ChildExited{plugin, {.pid = pid, .signaled = true, .number = signal}});
  }

  // Ways to each row of the table, for the plugin "kvm" as process 100.
  void Held() { EXPECT_THAT(Want({OwnSpec("kvm")}), ::testing::IsEmpty()); }
  void Starting() {
    KubeletUp();
    EXPECT_THAT(Want({OwnSpec("kvm")}), ::testing::ElementsAre("start kvm"));
    EXPECT_THAT(Spawn("kvm", 100), ::testing::IsEmpty());
  }
  void Running() {
    Starting();
    EXPECT_THAT(Report("kvm", 100, RegistrationPhase::kStreaming), ::testing::IsEmpty());
  }
  void Stopping() {
    Running();
    PluginSpec changed = OwnSpec("kvm");
    changed.text = "changed";
    EXPECT_THAT(Want({changed}), ::testing::ElementsAre("terminate kvm"));
  }
  // The second failure in a row is the first that has to wait.
  void BackingOff() {
    Running();
    EXPECT_THAT(Exited("kvm", 100, 1), ::testing::IsEmpty());
    EXPECT_THAT(Do(DeadlinePassed{}), ::testing::ElementsAre("start kvm"));
    Spawn("kvm", 100);
    EXPECT_THAT(Exited("kvm", 100, 1), ::testing::IsEmpty());
  }

  // The row of "kvm".
  PluginStatus Kvm() const {
    for (const PluginStatus& plugin : supervisor_.snapshot().plugins) {
      if (plugin.name == "kvm") return plugin;
    }
    ADD_FAILURE() << "there is no plugin kvm";
    return {};
  }
  bool Gone() const { return supervisor_.snapshot().plugins.empty(); }
  std::optional<Duration> DueIn() const {
    const auto next = supervisor_.NextDeadline();
    return next ? std::optional(*next - now_) : std::nullopt;
  }

  Supervisor supervisor_;
  TimePoint now_ = TimePoint() + std::chrono::hours(1);
};

}  // namespace nodedevice::testing
