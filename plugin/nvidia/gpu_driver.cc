#include "plugin/nvidia/gpu_driver.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "lib/base/file.h"
#include "plugin/nvidia/library_search.h"

namespace nodedevice {
namespace {

// Beside the time of one call that waits for errors, which a driver at work ends by itself.
constexpr std::chrono::milliseconds kFarewell(200);

// The names of the GPUs' device nodes: another GPU has another one.
std::set<std::string> GpuNodes(const HostRoot& host) {
  constexpr std::string_view kBegin = "nvidia";
  std::set<std::string> nodes;
  for (const std::string& name : NamesIn(host.Resolve("/dev"))) {
    if (name.size() > kBegin.size() && name.starts_with(kBegin) &&
        absl::ascii_isdigit(static_cast<unsigned char>(name[kBegin.size()]))) {
      nodes.insert(name);
    }
  }
  return nodes;
}

}  // namespace

// What the threads share. They hold it, so that one which the driver does not let go outlives all
// else without harm.
struct GpuDriver::Shared {
  Shared(const HostRoot& host_root, std::string root, Timing times)
      : host(host_root), driver_root(std::move(root)), timing(times) {}

  const HostRoot host;
  const std::string driver_root;
  const Timing timing;

  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex:
  bool asked = false;
  Measured measure;  // empty: nobody asks for it
  bool stopping = false;
  bool waited_for = false;  // somebody waits for the answer
  int threads = 0;          // that run
  std::uint64_t answers = 0;
  std::optional<TimePoint> asked_at;  // of the question that has no answer yet
  View view;
  std::vector<XidEvent> xids;
  std::string events_error;  // why waiting for them ended last; empty: it works
  std::function<void()> on_news;

  // REQUIRES: mutex is held, so that nothing is told after the end.
  void TellNews() {
    if (on_news) on_news();
  }
};

// A loaded library with the thread that waits for its errors. Used by the answering thread.
class GpuDriver::Session {
 public:
  explicit Session(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~Session() { Unload(); }

  // Everything but silent_since.
  View Look() {
    View view;
    if (nvml_ != nullptr &&
        (reload_ || events_ended_->load() || GpuNodes(shared_->host) != nodes_)) {
      Unload();
    }
    // Once more with the library loaded anew: a driver that was replaced answers only then.
    for (int attempt = 0; attempt < 2; ++attempt) {
      view.status = Load(view.directories);
      if (!view.status.ok()) return view;
      absl::StatusOr<Gpus> gpus = nvml_->Look();
      view.status = gpus.status();
      view.events_problem = EventsProblem();
      if (gpus.ok()) {
        reload_ = !gpus->complete;  // with the next look; until then it tells of errors
        view.gpus = *std::move(gpus);
        return view;
      }
      Unload();
    }
    return view;
  }

  // Nothing while no library is loaded; Look() loads it.
  std::vector<DeviceFigures> Measure() {
    return nvml_ == nullptr ? std::vector<DeviceFigures>() : nvml_->Measure();
  }

 private:
  std::string EventsProblem() const {
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    if (shared_->events_error.empty()) return nvml_->events_problem();
    return absl::StrCat("the driver does not tell of errors: ", shared_->events_error);
  }

  absl::Status Load(std::set<std::filesystem::path>& directories) {
    if (nvml_ != nullptr) return absl::OkStatus();
    LibrarySearch search = FindNvml(shared_->host, shared_->driver_root);
    if (search.found.empty()) {
      directories = std::move(search.directories);
      return absl::NotFoundError(absl::StrCat(
          "the NVIDIA driver's library libnvidia-ml.so.1 is in none of ", search.looked_in));
    }
    nodes_ = GpuNodes(shared_->host);
    ASSIGN_OR_RETURN(nvml_, Nvml::Load(search.found));
    events_ended_ = std::make_shared<std::atomic<bool>>(false);
    if (nvml_->has_events()) StartEvents();
    return absl::OkStatus();
  }

  void StartEvents() {
    end_events_ = std::make_shared<std::atomic<bool>>(false);
    {
      const std::lock_guard<std::mutex> lock(shared_->mutex);
      ++shared_->threads;
    }
    events_ = std::thread(
        [shared = shared_, nvml = nvml_, end = end_events_, ended = events_ended_]() mutable {
          WaitForEvents(*shared, *nvml, *end, *ended);
          nvml.reset();
          const std::lock_guard<std::mutex> lock(shared->mutex);
          --shared->threads;
          shared->changed.notify_all();
        });
  }

  static void WaitForEvents(Shared& shared, Nvml& nvml, const std::atomic<bool>& end,
                            std::atomic<bool>& ended) {
    bool worked = false;
    while (!end) {
      const auto event = nvml.WaitForXid(shared.timing.event_wait);
      const std::lock_guard<std::mutex> lock(shared.mutex);
      if (shared.stopping) return;
      shared.events_error = std::string(event.status().message());
      if (!event.ok()) {
        ended = true;
        // A driver that never tells of errors is looked at with the rescan only.
        if (worked) shared.TellNews();
        return;
      }
      worked = true;
      if (!event->has_value()) continue;
      shared.xids.push_back(**event);
      shared.TellNews();
    }
  }

  void Unload() {
    if (events_.joinable()) {
      *end_events_ = true;
      events_.join();
    }
    nvml_.reset();
    reload_ = false;
  }

  const std::shared_ptr<Shared> shared_;
  std::shared_ptr<Nvml> nvml_;   // null: not loaded
  std::set<std::string> nodes_;  // when it was loaded
  bool reload_ = false;
  std::thread events_;
  std::shared_ptr<std::atomic<bool>> end_events_;
  std::shared_ptr<std::atomic<bool>> events_ended_;
};

GpuDriver::GpuDriver(const HostRoot& host, std::string driver_root, Timing timing)
    : shared_(std::make_shared<Shared>(host, std::move(driver_root), timing)) {
  shared_->threads = 1;
  std::thread([shared = shared_] {
    Answer(shared);
    const std::lock_guard<std::mutex> lock(shared->mutex);
    --shared->threads;
    shared->changed.notify_all();
  }).detach();
}

GpuDriver::~GpuDriver() {
  std::unique_lock<std::mutex> lock(shared_->mutex);
  shared_->stopping = true;
  shared_->on_news = nullptr;
  shared_->changed.notify_all();
  shared_->changed.wait_for(lock, shared_->timing.event_wait + kFarewell,
                            [this] { return shared_->threads == 0; });
}

void GpuDriver::Answer(const std::shared_ptr<Shared>& shared) {
  Session session(shared);
  std::unique_lock<std::mutex> lock(shared->mutex);
  for (;;) {
    shared->changed.wait(lock,
                         [&] { return shared->asked || shared->measure || shared->stopping; });
    if (shared->stopping) break;
    if (!shared->asked) {
      const Measured done = std::exchange(shared->measure, nullptr);
      lock.unlock();
      std::vector<DeviceFigures> figures = session.Measure();
      lock.lock();
      // With the mutex held, so that nothing is told after the end.
      if (!shared->stopping) done(shared->view.gpus.value_or(Gpus()), std::move(figures));
      continue;
    }
    shared->asked = false;
    lock.unlock();
    View view = session.Look();
    lock.lock();
    if (!view.gpus) view.gpus = std::move(shared->view.gpus);
    shared->view = std::move(view);
    shared->asked_at.reset();
    ++shared->answers;
    if (!shared->waited_for) shared->TellNews();
    shared->changed.notify_all();
  }
  lock.unlock();
}

void GpuDriver::OnNews(std::function<void()> on_news) {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  shared_->on_news = std::move(on_news);
}

GpuDriver::View GpuDriver::Look() {
  std::unique_lock<std::mutex> lock(shared_->mutex);
  if (!shared_->asked_at) {
    shared_->asked = true;
    shared_->asked_at = Clock::now();
    shared_->waited_for = true;
    shared_->changed.notify_all();
    const std::uint64_t before = shared_->answers;
    shared_->changed.wait_for(lock, shared_->timing.patience,
                              [&] { return shared_->answers != before; });
    shared_->waited_for = false;
  }
  View view = shared_->view;
  if (shared_->asked_at) {
    view.silent_since = shared_->asked_at;
    view.status = absl::DeadlineExceededError("the NVIDIA driver does not answer");
  }
  return view;
}

void GpuDriver::Measure(Measured done) {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  shared_->measure = std::move(done);
  shared_->changed.notify_all();
}

std::vector<XidEvent> GpuDriver::TakeXids() {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  return std::exchange(shared_->xids, {});
}

}  // namespace nodedevice
