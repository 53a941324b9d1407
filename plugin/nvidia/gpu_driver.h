#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/api/plugin_report.h"
#include "lib/base/clock.h"
#include "lib/base/host_root.h"
#include "lib/base/status.h"
#include "plugin/nvidia/nvml.h"

namespace nodedevice {

// NVIDIA's driver, asked on threads of its own: a call into its library may block for ever, and
// then holds up nobody but these threads. Loads the library when it is there, and again when the
// driver failed, lost a GPU or got another one.
//
// One thread at a time calls the functions. Destruction waits a moment for calls that run; one that
// does not end is left behind.
class GpuDriver {
 public:
  struct Timing {
    std::chrono::milliseconds patience{2'000};    // of Look() with the driver
    std::chrono::milliseconds event_wait{1'000};  // of one call that waits for an error
  };

  // What the driver says.
  struct View {
    std::optional<Gpus> gpus;  // as it said last; nullopt: it has said nothing yet
    absl::Status status;       // why that is not of now
    // Since when it has owed an answer; `status` is then kDeadlineExceeded.
    std::optional<TimePoint> silent_since;
    std::string events_problem;                   // why it tells of no errors; empty: it does
    std::set<std::filesystem::path> directories;  // where its library may appear
  };

  GpuDriver(const HostRoot& host, std::string driver_root, Timing timing);
  ~GpuDriver();
  GpuDriver(const GpuDriver&) = delete;
  GpuDriver& operator=(const GpuDriver&) = delete;

  // Calls `on_news` on any thread when it is worth a new Look(): errors came, or an answer did
  // after nobody had waited for it any longer. It must only post.
  void OnNews(std::function<void()> on_news);

  // Asks the driver and waits for its answer, with patience; not at all while an older question has
  // no answer.
  View Look();

  // Has the driver say how much of its GPUs and MIG devices is in use, and calls `done` with that
  // and with what it said last of them, on any thread; it must only post. Returns at once. `done`
  // is not called while the driver does not answer, nor when another call has come by then, nor
  // after the end of this.
  using Measured = std::function<void(const Gpus& gpus, std::vector<DeviceFigures> figures)>;
  void Measure(Measured done);

  // The errors that came since the last call.
  std::vector<XidEvent> TakeXids();

 private:
  struct Shared;
  class Session;
  static void Answer(const std::shared_ptr<Shared>& shared);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace nodedevice
