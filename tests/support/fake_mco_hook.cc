#include "tests/support/fake_mco_hook.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nodedevice::testing {

void FakeMcoHook::Run(const mco::NodeUpdate& update, std::function<void(std::string)> done) {
  const auto file = dir_.Write(update.node + ".json", update.machine_config.dump(2) + "\n");
  absl::StatusOr<SpawnedChild> child =
      Spawn({.command = {"/bin/sh", "-c", command_ + " \"$@\"", "hook", update.node, file.string()},
             .parent_death_signal = SIGTERM});
  if (!child.ok()) return done(std::string(child.status().message()));
  const pid_t pid = child->pid;
  Running& running = running_[pid];
  running.node = update.node;
  running.output = std::move(child->output);
  running.done = std::move(done);
  running.watch =
      std::make_unique<ReadWatch>(loop_, running.output.get(), [this, pid] { Copy(pid); });
}

void FakeMcoHook::Copy(pid_t pid) {
  Running& running = running_.at(pid);
  std::array<char, 4096> bytes;
  for (;;) {
    const ssize_t count = ::read(running.output.get(), bytes.data(), bytes.size());
    if (count > 0) {
      std::fwrite(bytes.data(), 1, static_cast<std::size_t>(count), stderr);
      continue;
    }
    if (count == 0) running.watch.reset();
    return;
  }
}

void FakeMcoHook::Reap() {
  std::map<pid_t, ChildExit> ended;
  ReapChildren([&](const ChildExit& exit) { ended[exit.pid] = exit; });
  for (const auto& [pid, exit] : ended) {
    if (!running_.contains(pid)) continue;
    Copy(pid);
    const Running running = std::move(running_.extract(pid).mapped());
    const bool good = !exit.signaled && exit.number == 0;
    running.done(good ? "" : absl::StrCat("the hook ", ToString(exit)));
  }
}

}  // namespace nodedevice::testing
