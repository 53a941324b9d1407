#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "tests/support/fake_pci_bus.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// The part of a fake node's kernel that makes and removes mediated devices: it is given what a
// program writes to sysfs, and changes the tree as Linux does. Each type of a parent takes of the
// parent's room, as with virtual GPUs. Keeps what was written, as "create PARENT TYPE <- UUID" and
// "remove UUID <- 1".
class FakeMdevKernel {
 public:
  FakeMdevKernel(const TempDir& node, const FakePciBus& bus) : node_(node), bus_(bus) {}

  struct Type {
    std::string id;
    std::string name = "";  // empty: its driver gives it none
    int size = 1;           // of the parent's room
  };
  // A plugged function whose driver cuts it; with `one_type`, into parts of one type at a time.
  void Register(const std::string& parent, int room, const std::vector<Type>& types,
                bool one_type = true);

  // Refuses what begins so in the trace, until Relent().
  void Refuse(const std::string& begin) { refused_.push_back(begin); }
  void Relent() { refused_.clear(); }
  // Takes what is written to this type, and makes nothing.
  void LetMakingFail(const std::string& type) { stubborn_.insert(type); }

  absl::Status Write(const std::filesystem::path& file, std::string_view value);

  // As another program on the node does it, without a trace.
  void Make(const std::string& parent, const std::string& type, const std::string& uuid);

  const std::vector<std::string>& trace() const { return trace_; }
  // The UUIDs of all devices, in byte order.
  std::vector<std::string> Devices() const;

 private:
  struct Parent {
    int room = 0;
    bool one_type = true;
    std::vector<Type> types;
    std::map<std::string, std::string> devices;  // types by UUID
  };
  int RoomFor(const Parent& parent, const Type& type) const;
  void ShowRoom(const std::string& name) const;
  absl::Status Remove(const std::string& uuid);

  const TempDir& node_;
  const FakePciBus& bus_;
  std::map<std::string, Parent> parents_;
  std::vector<std::string> refused_;
  std::set<std::string> stubborn_;
  std::vector<std::string> trace_;
  int last_group_ = 89;
};

}  // namespace nodedevice::testing
