#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/base/status.h"

namespace nodedevice::soak {

// Of one process, as the kernel says.
struct Figures {
  pid_t pid = 0;
  std::int64_t private_kib = 0;  // RssAnon
  std::int64_t descriptors = 0;
  std::int64_t threads = 0;
  bool operator==(const Figures&) const = default;
};

// Looks at /proc/PID. An error when there is no such process.
absl::StatusOr<Figures> FiguresOf(pid_t pid);

// Every process by its name ("agent", "plugin tty"), in the node's first state.
using Mark = std::map<std::string, Figures>;

// What is said of a process over the marks of its life.
struct Course {
  std::string process;
  Figures first;
  Figures last;
  std::int64_t memory_growth_kib = 0;  // the most of the later half beside that of the earlier
  std::vector<std::string> problems;   // a sentence each; empty: flat
};

// Judges every process that lived from the first of `marks` to the last: descriptors and threads
// must be no more at the end than they have been in the earlier half, and the most memory of the
// later half at most `allowance_kib` above that of the earlier. A negative allowance: memory is not
// judged. Fewer than four marks say nothing, and are not judged. Pure.
std::vector<Course> Judge(const std::vector<Mark>& marks, std::int64_t allowance_kib);

}  // namespace nodedevice::soak
