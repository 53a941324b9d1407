#include "agent/child_processes.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "agent/bounded_lines.h"
#include "agent/plugin_output.h"
#include "lib/api/report_line.h"

namespace nodedevice {
namespace {

// One turn of the loop reads at most so much of one pipe; others have their turn in between.
constexpr std::size_t kReadAtOnce = 64u << 10;

enum class PipeState { kOpen, kEnded };

// Hands what can be read without waiting, up to `limit` bytes, to `on_bytes`.
PipeState ReadSome(int fd, std::size_t limit,
                   const std::function<void(std::string_view)>& on_bytes) {
  std::vector<char> buffer(std::min<std::size_t>(limit, 16u << 10));
  for (std::size_t total = 0; total < limit;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? PipeState::kOpen : PipeState::kEnded;
    if (n == 0) return PipeState::kEnded;
    on_bytes(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    total += static_cast<std::size_t>(n);
  }
  return PipeState::kOpen;
}

}  // namespace

// One process and its two pipes.
class ChildProcesses::Child {
 public:
  Child(EventLoop& loop, const std::string& name, SpawnedChild process, Callbacks callbacks)
      : process_(std::move(process)),
        callbacks_(std::move(callbacks)),
        output_(name),
        report_lines_(kMaxReportLine,
                      [this](std::string_view line, std::size_t dropped) {
                        newest_line_ = std::string(line);
                        too_long_ = dropped > 0;
                      }),
        output_watch_(std::make_unique<ReadWatch>(loop, process_.output.get(),
                                                  [this] { ReadOutput(kReadAtOnce); })) {
    if (process_.report) {
      report_watch_ =
          std::make_unique<ReadWatch>(loop, process_.report.get(), [this] { ReadReports(); });
    }
  }

  int pid() const { return process_.pid; }
  const Callbacks& callbacks() const { return callbacks_; }

  void SignalGroup(int signal) const { ::kill(-process_.pid, signal); }

  void Note(std::string_view remark) { output_.Note(remark, Clock::now()); }

  // Its last words: what it wrote before it ended is still in the pipe.
  void Finish() {
    constexpr std::size_t kLastWords = 1u << 20;
    ReadOutput(kLastWords);
    output_.Finish(Clock::now());
  }

 private:
  void ReadOutput(std::size_t limit) {
    if (!process_.output) return;
    const PipeState state = ReadSome(process_.output.get(), limit, [this](std::string_view bytes) {
      output_.Add(bytes, Clock::now());
    });
    if (state == PipeState::kEnded) {
      output_watch_.reset();
      process_.output.Reset();
    }
  }

  void ReadReports() {
    newest_line_.clear();
    too_long_ = false;
    const PipeState state = ReadSome(process_.report.get(), kMaxReportLine,
                                     [this](std::string_view bytes) { report_lines_.Add(bytes); });
    if (state == PipeState::kEnded) {
      report_watch_.reset();
      process_.report.Reset();
    }
    if (newest_line_.empty()) return;
    if (too_long_) {
      Note("a report is unreadable and ignored: the line is too long");
    } else {
      callbacks_.on_line(newest_line_);
    }
  }

  SpawnedChild process_;
  const Callbacks callbacks_;
  PluginOutput output_;
  BoundedLines report_lines_;
  std::string newest_line_;
  bool too_long_ = false;
  std::unique_ptr<ReadWatch> output_watch_;
  std::unique_ptr<ReadWatch> report_watch_;
};

ChildProcesses::ChildProcesses(EventLoop& loop) : loop_(loop) {}

ChildProcesses::~ChildProcesses() {
  for (const auto& [pid, child] : children_) child->SignalGroup(SIGKILL);
}

absl::StatusOr<int> ChildProcesses::Start(const std::string& name, const SpawnOptions& options,
                                          Callbacks callbacks) {
  ASSIGN_OR_RETURN(SpawnedChild process, Spawn(options));
  auto child = std::make_unique<Child>(loop_, name, std::move(process), std::move(callbacks));
  const int pid = child->pid();
  children_[pid] = std::move(child);
  return pid;
}

void ChildProcesses::Note(int pid, std::string_view remark) {
  const auto child = children_.find(pid);
  if (child != children_.end()) child->second->Note(remark);
}

void ChildProcesses::SignalGroup(int pid, int signal) const {
  const auto child = children_.find(pid);
  if (child != children_.end()) child->second->SignalGroup(signal);
}

void ChildProcesses::Reap() {
  struct Ended {
    std::unique_ptr<Child> child;
    ChildExit exit;
  };
  std::vector<Ended> ended;
  ReapChildren([this, &ended](const ChildExit& exit) {
    const auto child = children_.find(exit.pid);
    if (child == children_.end()) return;  // an orphan that was adopted
    child->second->SignalGroup(SIGKILL);
    child->second->Finish();
    ended.push_back({.child = std::move(child->second), .exit = exit});
    children_.erase(child);
  });
  for (const Ended& one : ended) one.child->callbacks().on_exit(one.exit);
}

}  // namespace nodedevice
