#include "tests/bench/measure_resources.h"

#include <functional>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "lib/kubelet/paths.h"
#include "nlohmann/json.hpp"
#include "tests/bench/device_nodes.h"
#include "tests/bench/fake_kubelet.h"
#include "tests/bench/log_tail.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::bench {
namespace {

using testing::FakeKubelet;
using testing::KubeletEvent;
using testing::Listed;
using testing::Registered;

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::seconds kExitLimit{30};
constexpr std::chrono::milliseconds kDrift{11};

nlohmann::json Config(int resources) {
  nlohmann::json plugins = nlohmann::json::array();
  for (int i = 0; i < resources; ++i) {
    const std::string name = absl::StrCat("r", i);
    nlohmann::json group;
    group["paths"] = nlohmann::json::array({{{"path", absl::StrCat("/dev/d", i)}}});
    nlohmann::json plugin = {{"name", name}, {"resourceName", absl::StrCat("example.com/", name)}};
    plugin["paths"]["groups"] = nlohmann::json::array({std::move(group)});
    plugins.push_back(std::move(plugin));
  }
  return {{"apiVersion", "nodedevices.io/v1alpha1"},
          {"kind", "DevicePluginConfig"},
          {"metadata", {{"name", "bench"}}},
          {"spec", {{"plugins", std::move(plugins)}}}};
}

// One agent, one directory: the steps of a measurement in their order.
class Measurement {
 public:
  Measurement(const std::filesystem::path& programs, const ResourcesPlan& plan)
      : plan_(plan),
        paths_(node_.path() / "k"),
        nodes_(node_.Under("dev/d").parent_path()),
        config_(node_.path() / "config.json"),
        log_(node_.path() / "log"),
        command_{programs / "node-device-agent",
                 "--config",
                 config_,
                 "--host-root",
                 node_.path(),
                 "--kubelet-dir",
                 paths_.root(),
                 "--plugin-binary",
                 programs / "node-device-plugin",
                 "--listen",
                 "127.0.0.1:0"},
        kubelet_(paths_) {}

  absl::StatusOr<ResourcesFigures> Run() {
    const absl::Status status = Steps();
    if (status.ok()) return std::move(figures_);
    return absl::Status(status.code(), absl::StrCat(status.message(), "; ", LogTail(log_)));
  }

 private:
  absl::Status Steps() {
    figures_.resources = plan_.resources;
    for (int i = 0; i < plan_.resources; ++i) RETURN_IF_ERROR(nodes_.Add(i));
    RETURN_IF_ERROR(WriteFileAtomically(config_, Config(plan_.resources).dump()));
    RETURN_IF_ERROR(kubelet_.Start());
    for (int i = 0; i < plan_.starts; ++i) {
      if (i > 0) RETURN_IF_ERROR(End());
      RETURN_IF_ERROR(Start());
    }
    for (int i = 0; i < plan_.restarts; ++i) RETURN_IF_ERROR(MeasureRestart(i));
    std::this_thread::sleep_for(plan_.settle);
    ASSIGN_OR_RETURN(figures_.after_work, agent_->UseOfAll());
    std::this_thread::sleep_for(plan_.idle);
    ASSIGN_OR_RETURN(const ProcessUse after, agent_->UseOfAll());
    figures_.idle = plan_.idle;
    figures_.idle_cpu = after.cpu - figures_.after_work.cpu;
    return End();
  }

  absl::Status Start() {
    kubelet_.DropEvents();
    ASSIGN_OR_RETURN(PluginProcess process, PluginProcess::Start(command_, log_));
    agent_.emplace(std::move(process));
    ASSIGN_OR_RETURN(const All all, AwaitAll("start"));
    figures_.start_to_lists.Add(all.listed - agent_->started());
    return absl::OkStatus();
  }

  absl::Status End() {
    ASSIGN_OR_RETURN(const Duration took, agent_->Terminate(kExitLimit));
    figures_.exit.Add(took);
    agent_.reset();
    return absl::OkStatus();
  }

  absl::Status MeasureRestart(int round) {
    std::this_thread::sleep_for(plan_.pause);
    kubelet_.StopListening();
    kubelet_.CloseStreams(FakeKubelet::Streams::kAll);
    std::this_thread::sleep_for(plan_.absence + round * kDrift);
    kubelet_.DropEvents();
    const TimePoint back = Clock::now();
    RETURN_IF_ERROR(kubelet_.Start());
    ASSIGN_OR_RETURN(const All all, AwaitAll("a restart of the kubelet"));
    figures_.kubelet_back_registered.Add(all.registered - back);
    figures_.kubelet_back_listed.Add(all.listed - back);
    return absl::OkStatus();
  }

  // When the last of the resources was there.
  struct All {
    TimePoint registered;
    TimePoint listed;
  };

  absl::StatusOr<All> AwaitAll(const std::string& after) {
    const TimePoint deadline = Clock::now() + kPatience;
    const std::size_t wanted = static_cast<std::size_t>(plan_.resources);
    std::set<std::string> registered;
    std::set<std::string> listed;
    All all;
    while (registered.size() < wanted || listed.size() < wanted) {
      const std::optional<KubeletEvent> event = kubelet_.Next(deadline);
      if (!event) {
        return absl::DeadlineExceededError(
            absl::StrCat("after ", after, " only ", registered.size(), " of ", wanted,
                         " resources registered, and ", listed.size(), " listed their device"));
      }
      if (const auto* call = std::get_if<Registered>(&*event)) {
        if (registered.insert(call->resource).second) all.registered = call->at;
      } else if (const auto* list = std::get_if<Listed>(&*event)) {
        const bool whole = list->list.devices_size() == 1;
        if (whole && listed.insert(list->resource).second) all.listed = list->at;
      }
    }
    return all;
  }

  const ResourcesPlan plan_;
  const testing::TempDir node_;
  const KubeletPaths paths_;
  const DeviceNodes nodes_;
  const std::filesystem::path config_;
  const std::filesystem::path log_;
  const std::vector<std::string> command_;
  FakeKubelet kubelet_;
  std::optional<PluginProcess> agent_;
  ResourcesFigures figures_;
};

}  // namespace

absl::StatusOr<ResourcesFigures> MeasureResources(const std::filesystem::path& programs,
                                                  const ResourcesPlan& plan) {
  return Measurement(programs, plan).Run();
}

}  // namespace nodedevice::bench
