#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"

namespace nodedevice {

// Which queues an entry means at the moment. Thread-safe: scans and the preparing of devices ask on
// threads of their own, and both get the same answer.
//
// With a configFile the file is read each time. While it cannot be read or is refused, what it said
// last stays in force, and with nothing said yet there are no queues: a bad edit takes no device
// away from anybody.
class ApSelection {
 public:
  ApSelection(AdjunctProcessor entry, const HostRoot& host);

  struct State {
    AdjunctProcessor family;         // with the queues of this machine only
    std::vector<std::string> notes;  // for people: what is wrong, and what that means
  };
  State Read();

 private:
  // What the file says, or said; notes why it is not the newest.
  AdjunctProcessor FromFile(std::vector<std::string>& notes);
  // Leaves out the queues of other machines.
  void KeepOwn(State& state) const;

  const AdjunctProcessor entry_;
  const HostRoot host_;
  std::mutex mutex_;
  AdjunctProcessor last_good_;  // without queues at first
};

}  // namespace nodedevice
