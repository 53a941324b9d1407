#include "agent/config_file.h"

#include <chrono>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/api/container_conflicts.h"
#include "lib/base/file.h"
#include "lib/base/yaml.h"

namespace nodedevice {
namespace {

// A writer that creates the file and then fills it is given this long, so that its first half is
// not reported as an error.
constexpr Duration kSettle = std::chrono::milliseconds(50);
// For file systems that give no hints.
constexpr Duration kNet = std::chrono::seconds(30);

// The folders in which a change may mean another content of `path`: its own, and those of every
// symbolic link's target on the way.
std::set<std::filesystem::path> FoldersOf(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  std::set<std::filesystem::path> folders = {absolute.parent_path()};
  const std::filesystem::path target = std::filesystem::weakly_canonical(absolute, error);
  if (!error) folders.insert(target.parent_path());
  return folders;
}

}  // namespace

ConfigReading ReadConfigFile(const std::filesystem::path& path) {
  ConfigReading reading;
  absl::StatusOr<std::string> text = ReadFile(path, kYamlMaxBytes);
  if (!text.ok()) {
    reading.error = std::string(text.status().message());
    return reading;
  }
  reading.text = *std::move(text);
  Parsed<DevicePluginConfig> parsed = ParseDevicePluginConfigYaml(reading.text);
  if (parsed.ok()) {
    reading.config = std::move(parsed.value);
  } else {
    reading.error = ToString(parsed.errors);
    while (reading.error.ends_with('\n')) reading.error.pop_back();
  }
  return reading;
}

CheckResult CheckConfigFile(const std::filesystem::path& path) {
  const ConfigReading reading = ReadConfigFile(path);
  if (!reading.config) return {.ok = false, .text = reading.error};
  const std::vector<PluginSpec>& plugins = reading.config->plugins;
  const std::string names =
      absl::StrJoin(plugins, ", ", [](std::string* out, const PluginSpec& plugin) {
        absl::StrAppend(out, plugin.name, " (", plugin.resource_name, ")");
      });
  std::string text = absl::StrCat(path.string(), ": valid, ", plugins.size(),
                                  plugins.size() == 1 ? " plugin" : " plugins",
                                  plugins.empty() ? "" : ": ", names);
  for (const FieldError& conflict : ContainerConflicts(plugins)) {
    absl::StrAppend(&text, "\nwarning: ", ToString({conflict}));
  }
  return {.ok = true, .text = std::move(text)};
}

ConfigFile::ConfigFile(EventLoop& loop, std::filesystem::path path, Callbacks callbacks)
    : path_(std::move(path)),
      callbacks_(std::move(callbacks)),
      directory_(loop, [this] { Hint(); }),
      timer_(loop, [this] { Look(); }) {
  status_.source = path_.string();
}

void ConfigFile::Start() { Look(); }

void ConfigFile::Hint() {
  // Counted from the first hint: in a folder where something is always written, waiting for quiet
  // would be waiting for ever.
  if (std::exchange(hinted_, true)) return;
  timer_.After(kSettle);
}

void ConfigFile::Look() {
  hinted_ = false;
  // Watch before looking: what changes in between is hinted at. A failure leaves the net.
  const absl::Status watching = directory_.Watch(FoldersOf(path_));
  timer_.After(kNet);
  ConfigReading reading = ReadConfigFile(path_);
  if (last_ && last_->text == reading.text && last_->error == reading.error) return;
  status_.error = reading.error;
  if (!watching.ok() && !status_.error.empty()) {
    absl::StrAppend(&status_.error, "\n(", watching.message(), ": looks every 30 s only)");
  }
  if (reading.config) {
    status_.accepted = true;
    // A file has no generation of its own unless it was taken from a cluster: count.
    status_.generation =
        reading.config->generation > 0 ? reading.config->generation : status_.generation + 1;
    callbacks_.on_accepted(*reading.config);
  }
  last_ = std::move(reading);
  callbacks_.on_status();
}

}  // namespace nodedevice
