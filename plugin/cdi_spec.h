#pragma once

// The Container Device Interface: a file tells the container runtime what a device is made of, and
// the kubelet is told only the device's name, "vendor.example/class=name". Runtimes read /etc/cdi
// and /var/run/cdi.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/host_root.h"
#include "lib/base/status.h"
#include "plugin/device.h"

namespace nodedevice {

// A program of the host that the runtime runs when it makes the container.
struct CdiHook {
  std::string name;               // when: "createContainer"
  std::string path;               // on the host
  std::vector<std::string> args;  // the first is the program's own name
  bool operator==(const CdiHook&) const = default;
};

// What the runtime adds to a container.
struct CdiEdits {
  // Of two devices of one container that set the same variable, the runtime keeps one.
  std::map<std::string, std::string> envs = {};
  std::vector<DeviceNode> nodes = {};
  std::vector<DeviceMount> mounts = {};
  std::vector<CdiHook> hooks = {};
  bool operator==(const CdiEdits&) const = default;
};

// Devices of one kind.
struct CdiSpec {
  std::string kind;  // "vendor.example/class"
  // By the name after the '='. Runtimes refuse a device without any edit.
  std::map<std::string, CdiEdits, NaturalLess> devices = {};
  CdiEdits common = {};  // for a container that gets any of them
  bool operator==(const CdiSpec&) const = default;
};

// "vendor.example/class=name"
std::string CdiName(std::string_view kind, std::string_view device);

// The file's text: JSON in the oldest version of the format that can say it, so that old runtimes
// read what they can. Deterministic: the same spec gives the same text.
std::string ToJson(const CdiSpec& spec);

// The file of one owner below /var/run/cdi of the host, for as long as this object lives. One
// thread at a time.
//
// The owner is a resource name: one process of a node has it. So its file is its own, and what a
// killed predecessor left behind is replaced or removed.
class CdiSpecFile {
 public:
  // Removes what a killed process of the same owner left: files that were not finished, and the
  // file itself, which may name devices that are gone.
  CdiSpecFile(const HostRoot& host, std::string_view owner);
  // Removes the file: the names in it are no longer given to anybody.
  ~CdiSpecFile();
  CdiSpecFile(const CdiSpecFile&) = delete;
  CdiSpecFile& operator=(const CdiSpecFile&) = delete;

  // Makes the file say this, unless it does: /var/run is emptied by others, too. A reader sees the
  // old or the new text, never a part. Without devices there is no file, for runtimes complain of
  // an empty one. On failure the old file stays, and the message names it.
  absl::Status Write(const CdiSpec& spec);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace nodedevice
