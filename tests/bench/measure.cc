#include "tests/bench/measure.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_replace.h"
#include "grpcpp/grpcpp.h"
#include "lib/kubelet/paths.h"
#include "tests/bench/device_nodes.h"
#include "tests/bench/fake_kubelet.h"
#include "tests/bench/log_tail.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::bench {
namespace {

using testing::FakeKubelet;
using testing::Listed;
using testing::Registered;

constexpr std::chrono::seconds kPatience{20};  // for any one thing the plugin has to do
constexpr std::chrono::milliseconds kDrift{
    11};  // keeps rounds out of step with the plugin's timers
constexpr std::chrono::seconds kExitLimit{15};

bool IsHealthy(const v1beta1::Device& device) { return device.health() == "Healthy"; }

std::ptrdiff_t CountHealthy(const v1beta1::ListAndWatchResponse& list) {
  return std::count_if(list.devices().begin(), list.devices().end(), IsHealthy);
}

absl::Status ToStatus(const grpc::Status& status, std::string_view call) {
  if (status.ok()) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat(std::string(call), " failed: ", status.error_message()));
}

// One plugin, one number of devices, one directory: the steps of a measurement in their order.
class Measurement {
 public:
  Measurement(const PluginCommand& command, const Plan& plan)
      : plan_(plan),
        paths_(plan.kubelet_dir.empty() ? node_.path() / "k" : plan.kubelet_dir),
        nodes_(node_.Under("dev/d").parent_path()),
        log_(node_.path() / "log"),
        kubelet_(paths_) {
    for (const std::string& word : command.words) {
      command_.push_back(
          absl::StrReplaceAll(word, {{"{kubelet-dir}", paths_.root().native()},
                                     {"{plugin-dir}", paths_.device_plugins().native()},
                                     {"{host-root}", node_.path().native()},
                                     {"{pattern}", nodes_.pattern()},
                                     {"{node}", nodes_.Path(0).native()},
                                     {"{devices}", absl::StrCat(plan.devices)}}));
    }
  }

  absl::StatusOr<Figures> Run() {
    const absl::Status status = Steps();
    if (status.ok()) return std::move(figures_);
    return absl::Status(status.code(), absl::StrCat(status.message(), "; ", LogTail(log_)));
  }

 private:
  int NodeCount() const { return plan_.one_node ? 1 : plan_.devices; }

  absl::Status Steps() {
    for (int i = 0; i < NodeCount(); ++i) RETURN_IF_ERROR(nodes_.Add(i));
    RETURN_IF_ERROR(kubelet_.Start());
    for (int i = 0; i < plan_.starts; ++i) {
      if (i > 0) RETURN_IF_ERROR(End());
      RETURN_IF_ERROR(Start());
    }
    std::this_thread::sleep_for(plan_.settle);
    ASSIGN_OR_RETURN(figures_.after_start, plugin_->Use());
    RETURN_IF_ERROR(MeasureCalls());
    for (int i = 0; i < plan_.changes; ++i) RETURN_IF_ERROR(MeasureChange(i));
    for (int i = 0; i < plan_.restarts; ++i) {
      RETURN_IF_ERROR(MeasureRestart(i, /*streams_closed=*/true));
      RETURN_IF_ERROR(MeasureRestart(i, /*streams_closed=*/false));
    }
    RETURN_IF_ERROR(MeasureIdle());
    return End();
  }

  absl::Status Start() {
    kubelet_.DropEvents();
    ASSIGN_OR_RETURN(PluginProcess process, PluginProcess::Start(command_, log_));
    plugin_.emplace(std::move(process));
    ASSIGN_OR_RETURN(const TimePoint registered, AwaitRegister("start"));
    ASSIGN_OR_RETURN(const TimePoint listed, AwaitHealthy(plan_.devices, "start"));
    figures_.start_to_register.Add(registered - plugin_->started());
    figures_.start_to_list.Add(listed - plugin_->started());
    return absl::OkStatus();
  }

  absl::Status End() {
    ASSIGN_OR_RETURN(const Duration took, plugin_->Terminate(kExitLimit));
    figures_.exit.Add(took);
    plugin_.reset();
    return absl::OkStatus();
  }

  // The two kinds of calls take turns, so that whatever else the machine does hits both.
  absl::Status MeasureCalls() {
    const std::unique_ptr<v1beta1::DevicePlugin::Stub> stub = kubelet_.Dial(endpoint_);
    v1beta1::AllocateRequest allocate;
    allocate.add_container_requests()->add_devices_ids(device_id_);
    for (int i = -plan_.warm_up_calls; i < plan_.calls; ++i) {
      v1beta1::DevicePluginOptions options;
      v1beta1::AllocateResponse answer;
      const TimePoint begin = Clock::now();
      RETURN_IF_ERROR(CallEmpty(*stub, &options));
      const TimePoint middle = Clock::now();
      RETURN_IF_ERROR(CallAllocate(*stub, allocate, &answer));
      const TimePoint end = Clock::now();
      if (answer.container_responses_size() != 1) {
        return absl::UnknownError("Allocate of one container did not answer for one container");
      }
      if (i < 0) continue;
      figures_.empty_call.Add(middle - begin);
      figures_.allocate.Add(end - middle);
    }
    RETURN_IF_ERROR(MeasureThroughput(allocate));
    for (int i = 0; i < plan_.calls_after_rest; ++i) {
      std::this_thread::sleep_for(plan_.rest + i * kDrift);
      v1beta1::AllocateResponse answer;
      const TimePoint begin = Clock::now();
      RETURN_IF_ERROR(CallAllocate(*stub, allocate, &answer));
      figures_.allocate_after_rest.Add(Clock::now() - begin);
    }
    return absl::OkStatus();
  }

  // Each caller has a connection of its own, and waits for each answer.
  absl::Status MeasureThroughput(const v1beta1::AllocateRequest& request) {
    std::vector<std::future<absl::Status>> callers;
    const TimePoint begin = Clock::now();
    for (int i = 0; i < plan_.callers; ++i) {
      callers.push_back(std::async(std::launch::async, [this, &request]() -> absl::Status {
        const std::unique_ptr<v1beta1::DevicePlugin::Stub> stub = kubelet_.Dial(endpoint_);
        for (int call = 0; call < plan_.calls; ++call) {
          v1beta1::AllocateResponse answer;
          RETURN_IF_ERROR(CallAllocate(*stub, request, &answer));
        }
        return absl::OkStatus();
      }));
    }
    absl::Status result;
    for (std::future<absl::Status>& caller : callers) result.Update(caller.get());
    const std::chrono::duration<double> took = Clock::now() - begin;
    figures_.callers = plan_.callers;
    figures_.allocates_per_second = plan_.callers * plan_.calls / took.count();
    return result;
  }

  static absl::Status CallEmpty(v1beta1::DevicePlugin::Stub& stub,
                                v1beta1::DevicePluginOptions* options) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    return ToStatus(stub.GetDevicePluginOptions(&context, v1beta1::Empty(), options),
                    "GetDevicePluginOptions");
  }

  static absl::Status CallAllocate(v1beta1::DevicePlugin::Stub& stub,
                                   const v1beta1::AllocateRequest& request,
                                   v1beta1::AllocateResponse* answer) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    return ToStatus(stub.Allocate(&context, request, answer), "Allocate");
  }

  absl::Status MeasureChange(int round) {
    constexpr int kStride = 7;  // not always the same device
    const int number = round * kStride % NodeCount();
    const int others = plan_.one_node ? 0 : plan_.devices - 1;
    std::this_thread::sleep_for(plan_.pause);
    kubelet_.DropEvents();
    const TimePoint removed = Clock::now();
    RETURN_IF_ERROR(nodes_.Remove(number));
    ASSIGN_OR_RETURN(const TimePoint gone, AwaitHealthy(others, "a device's removal"));
    figures_.device_gone.Add(gone - removed);

    std::this_thread::sleep_for(plan_.pause);
    kubelet_.DropEvents();
    const TimePoint added = Clock::now();
    RETURN_IF_ERROR(nodes_.Add(number));
    ASSIGN_OR_RETURN(const TimePoint back, AwaitHealthy(plan_.devices, "a device's return"));
    figures_.device_back.Add(back - added);
    return absl::OkStatus();
  }

  absl::Status MeasureRestart(int round, bool streams_closed) {
    std::this_thread::sleep_for(plan_.pause);
    kubelet_.StopListening();
    if (streams_closed) kubelet_.CloseStreams(FakeKubelet::Streams::kAll);
    std::this_thread::sleep_for(plan_.absence + round * kDrift);
    kubelet_.DropEvents();
    const TimePoint back = Clock::now();
    RETURN_IF_ERROR(kubelet_.Start());
    ASSIGN_OR_RETURN(const TimePoint registered, AwaitRegister("a restart of the kubelet"));
    kubelet_.CloseStreams(FakeKubelet::Streams::kOfEarlierStarts);
    RETURN_IF_ERROR(AwaitHealthy(plan_.devices, "a restart of the kubelet").status());
    (streams_closed ? figures_.kubelet_back_streams_closed : figures_.kubelet_back_streams_open)
        .Add(registered - back);
    return absl::OkStatus();
  }

  absl::Status MeasureIdle() {
    std::this_thread::sleep_for(plan_.settle);
    ASSIGN_OR_RETURN(figures_.after_work, plugin_->Use());
    std::this_thread::sleep_for(plan_.idle);
    ASSIGN_OR_RETURN(const ProcessUse after, plugin_->Use());
    figures_.idle = plan_.idle;
    figures_.idle_cpu = after.cpu - figures_.after_work.cpu;
    return absl::OkStatus();
  }

  absl::StatusOr<TimePoint> AwaitRegister(std::string_view after) {
    const std::optional<Registered> registered =
        kubelet_.Await<Registered>(Clock::now() + kPatience);
    if (!registered) return TooLate("did not register", after);
    endpoint_ = registered->endpoint;
    return registered->at;
  }

  // Of a list with exactly so many healthy devices, whatever it says of the others.
  absl::StatusOr<TimePoint> AwaitHealthy(int count, std::string_view after) {
    const std::optional<Listed> listed = kubelet_.Await<Listed>(
        Clock::now() + kPatience,
        [count](const Listed& event) { return CountHealthy(event.list) == count; });
    if (!listed) return TooLate(absl::StrCat("did not list ", count, " healthy devices"), after);
    const auto& devices = listed->list.devices();
    const auto healthy = std::find_if(devices.begin(), devices.end(), IsHealthy);
    if (healthy != devices.end()) device_id_ = healthy->id();
    return listed->at;
  }

  absl::Status TooLate(std::string_view what, std::string_view after) const {
    return absl::DeadlineExceededError(absl::StrCat("the plugin ", std::string(what), " within ",
                                                    kPatience.count(), " s of ", std::string(after),
                                                    plugin_->ended() ? "; it has ended" : ""));
  }

  const Plan plan_;
  const testing::TempDir node_;
  const KubeletPaths paths_;
  const DeviceNodes nodes_;
  const std::filesystem::path log_;
  std::vector<std::string> command_;
  FakeKubelet kubelet_;
  std::optional<PluginProcess> plugin_;
  std::string endpoint_;   // from which it registered last
  std::string device_id_;  // one that was healthy in the last list
  Figures figures_;
};

}  // namespace

absl::StatusOr<Figures> Measure(const PluginCommand& command, const Plan& plan) {
  return Measurement(command, plan).Run();
}

}  // namespace nodedevice::bench
