#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lib/base/event_loop.h"

namespace nodedevice {

// Our end of the report pipe (lib/api/report_line.h). Never blocks: while the agent is slow, the
// newest report waits behind the line that is partly written and replaces older ones. Loop thread
// only.
class ReportPipe {
 public:
  // `fd` is borrowed. `on_agent_gone` is called once when the reader has closed its end.
  ReportPipe(EventLoop& loop, int fd, std::function<void()> on_agent_gone);

  // One report, without the newline.
  void Send(std::string line);

  // Whether descriptor 3 is the write end of a pipe: a program started by hand has none, or
  // something else there.
  static bool IsPresent(int fd);

 private:
  void Flush();
  void AgentGone();

  int fd_;
  std::function<void()> on_agent_gone_;
  std::string rest_;    // of the line under way
  std::string newest_;  // waits
  Timer retry_;
  std::unique_ptr<ReadWatch> broken_;  // a pipe's write end is "readable" when its reader is gone
};

}  // namespace nodedevice
