#include "plugin/nvidia/nvidia_config_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "plugin/node_file.h"

namespace nodedevice {

NvidiaConfigFile::NvidiaConfigFile(Nvidia entry, const HostRoot& host)
    : entry_(std::move(entry)), host_(host) {}

NvidiaConfigFile::State NvidiaConfigFile::Read() {
  State state;
  const std::string& path = entry_.config_file;
  state.directories = NodeFileDirectories(host_, path);
  const auto refuse = [&](const std::string& why) {
    state.notes.push_back(absl::StrCat(
        path, " is not in force, ",
        last_good_ ? "what it said last is: " : "and no GPU is announced until it is: ", why));
  };
  const auto text = ReadNodeFile(host_, path);
  if (!text.ok()) {
    refuse(std::string(text.status().message()));
  } else if (auto parsed = ParseNvidiaConfig(*text, entry_); !parsed.ok()) {
    // The first one; the file's owner finds the others one by one, as with the original.
    refuse(ToString({parsed.errors.front()}));
  } else {
    last_good_ = std::move(parsed.value);
    for (const std::string& note : last_good_->notes) {
      state.notes.push_back(absl::StrCat(path, ": ", note));
    }
  }
  state.config = last_good_;
  return state;
}

}  // namespace nodedevice
