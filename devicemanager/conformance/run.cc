#include "devicemanager/conformance/run.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "devicemanager/conformance/placeholders.h"
#include "devicemanager/conformance/player.h"
#include "devicemanager/conformance/report.h"
#include "devicemanager/kubelet_folder.h"
#include "lib/base/file.h"

namespace nodedevice::devicemanager::conformance {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLogLines = 20;

// A folder below the temporary one. What is in it may go; the folder with the log stays.
absl::StatusOr<fs::path> MakeFolder() {
  std::error_code error;
  const fs::path temporary = fs::temp_directory_path(error);
  std::string name = ((error ? fs::path("/tmp") : temporary) / "conformance.XXXXXX").native();
  if (::mkdtemp(name.data()) == nullptr) return ErrnoStatus(errno, absl::StrCat("make ", name));
  return fs::path(name);
}

// Removes a folder that was made for this run, at its end.
class Removed {
 public:
  explicit Removed(fs::path folder) : folder_(std::move(folder)) {}
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;
  ~Removed() {
    std::error_code error;
    if (!folder_.empty()) fs::remove_all(folder_, error);
  }

 private:
  const fs::path folder_;
};

// The loop on a thread of its own, for the sockets and the signals.
class LoopThread {
 public:
  explicit LoopThread(Changes& changes) : changes_(changes), thread_([this] { loop_.Run(); }) {
    loop_.Post([this] {
      signals_ = std::make_unique<SignalWatch>(loop_, std::initializer_list<int>{SIGINT, SIGTERM},
                                               [this](int) { changes_.Interrupt(); });
    });
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() {
    loop_.Post([this] {
      signals_.reset();
      loop_.Stop();
    });
    thread_.join();
  }
  EventLoop& loop() { return loop_; }

 private:
  Changes& changes_;
  EventLoop loop_;
  std::unique_ptr<SignalWatch> signals_;  // loop thread only
  std::thread thread_;                    // last: uses all of the above
};

std::string EndOf(const fs::path& log) {
  std::ifstream file(log, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(std::move(line));
    if (lines.size() > kLogLines) lines.erase(lines.begin());
  }
  return absl::StrJoin(lines, "\n");
}

absl::StatusOr<std::set<std::string>> Topics(const std::vector<std::string>& only) {
  const std::vector<std::string_view> all = AllTopics();
  std::set<std::string> topics(only.begin(), only.end());
  if (topics.empty()) topics.insert(all.begin(), all.end());
  for (const std::string& topic : topics) {
    if (std::find(all.begin(), all.end(), topic) == all.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--only: there is no topic '", topic, "'; there are ",
                       absl::StrJoin(std::vector<std::string>(all.begin(), all.end()), ", ")));
    }
  }
  return topics;
}

Duration Seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::map<std::string, std::size_t> ResourcesOf(const Observation& seen) {
  std::map<std::string, std::size_t> resources;
  for (const Stream& stream : seen.streams) {
    if (!stream.lists.empty()) resources.try_emplace(stream.resource, stream.lists.front().size());
  }
  return resources;
}

absl::StatusOr<Report> Play(const RunOptions& options) {
  const TimePoint begin = Clock::now();
  ASSIGN_OR_RETURN(const auto topics, Topics(options.only));
  if (!options.device.empty() && !fs::exists(fs::symlink_status(options.device))) {
    return absl::NotFoundError(absl::StrCat("--device: ", options.device, " does not exist"));
  }
  fs::path own;
  if (options.kubelet_dir.empty() || options.log.empty()) {
    ASSIGN_OR_RETURN(own, MakeFolder());
  }
  const fs::path kubelet_dir =
      options.kubelet_dir.empty() ? own / "kubelet" : fs::absolute(options.kubelet_dir);
  const fs::path log = options.log.empty() ? own / "plugin.log" : fs::absolute(options.log);
  const Removed removed(!options.log.empty()          ? own
                        : options.kubelet_dir.empty() ? kubelet_dir
                                                      : fs::path());
  const KubeletPaths paths(kubelet_dir);
  // Before anything of somebody else's can be touched.
  ASSIGN_OR_RETURN(const UniqueFd folder_lock, LockFolder(paths));
  RETURN_IF_ERROR(RefuseLiveKubelet(paths));

  std::vector<std::string> arguments;
  for (const std::string& word : options.plugin) arguments.push_back(Fill(word, paths));
  const char* const path = ::getenv("PATH");
  ASSIGN_OR_RETURN(arguments[0], FindProgram(arguments[0], path == nullptr ? "" : path));
  ASSIGN_OR_RETURN(auto environment, PluginEnvironment(options.env, paths));
  PlayerSettings settings{.plugin = {.command = {std::move(arguments), std::move(environment)},
                                     .paths = paths,
                                     .log = log,
                                     .patience = Seconds(options.patience_seconds)},
                          .topics = topics,
                          .device = options.device,
                          .registrations = options.registrations,
                          .start_limit = Seconds(options.start_seconds)};

  Report report{.command = settings.plugin.command.arguments, .log = log};
  Changes changes;
  LoopThread loop(changes);
  Player player(loop.loop(), std::move(settings), changes, [](const std::string& what) {
    // Somebody waits for a minute; a file or a pipe does not.
    if (::isatty(STDERR_FILENO) == 1) std::cerr << "playing: " << what << "\n";
  });
  absl::StatusOr<Observation> seen = player.Play();
  report.log_end = EndOf(log);
  if (!seen.ok()) {
    return absl::Status(seen.status().code(),
                        absl::StrCat(seen.status().message(), "\nits output (", log.native(),
                                     ") ends:\n", report.log_end));
  }
  report.resources = ResourcesOf(*seen);
  for (Finding& finding : Judge(*seen)) {
    if (topics.contains(std::string(TopicOf(finding.rule->name)))) {
      report.findings.push_back(std::move(finding));
    }
  }
  report.took = Clock::now() - begin;
  return report;
}

}  // namespace

int RunConformance(const RunOptions& options) {
  BlockSignals({SIGINT, SIGTERM});
  const absl::StatusOr<Report> report = Play(options);
  if (!report.ok()) {
    std::cerr << "device-manager: " << report.status().message() << "\n";
    return kNotPlayed;
  }
  if (options.json) {
    std::cout << JsonReport(*report).dump(2, ' ', false,
                                          nlohmann::ordered_json::error_handler_t::replace)
              << "\n";
  } else {
    std::cout << TextReport(*report);
  }
  if (!options.junit.empty()) {
    const absl::Status written = WriteFileAtomically(options.junit, JUnitReport(*report));
    if (!written.ok()) {
      std::cerr << "device-manager: --junit: " << written.message() << "\n";
      return kNotPlayed;
    }
  }
  return Passed(*report) ? kConforms : kBroken;
}

}  // namespace nodedevice::devicemanager::conformance
