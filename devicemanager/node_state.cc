#include "devicemanager/node_state.h"

#include <cerrno>
#include <set>
#include <system_error>

#include "devicemanager/checkpoint.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

namespace nodedevice::devicemanager {

bool IsDevicePluginResource(const State& state, const std::string& resource) {
  return state.model.IsRegistered(resource) || !state.pod_devices.InUse(resource).empty();
}

bool NodeState::WaitUntil(const std::function<bool(const State&)>& condition, TimePoint deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_until(lock, deadline, [&] { return ending_ || condition(state_); });
  return condition(state_);
}

TimePoint NodeState::Now() const {
  return Clock::now() + Read([](const State& state) { return state.clock_ahead; });
}

void NodeState::SitOut(Rpc rpc) {
  std::unique_lock<std::mutex> lock(mutex_);
  const Duration delay = state_.faults.DelayOf(rpc);
  const TimePoint end = delay == kHang ? TimePoint::max() : Clock::now() + delay;
  changed_.wait_until(lock, end, [&] {
    return ending_ || !state_.serving || state_.faults.DelayOf(rpc) != delay ||
           delay == Duration::zero();
  });
}

void NodeState::ForgetExpired() {
  const TimePoint now = Now();
  if (!Change([&](State& state) { return state.model.ForgetExpired(now); })) return;
  spdlog::info("resources whose plugin has been gone for five minutes are removed");
  if (const absl::Status saved = SaveCheckpoint(); !saved.ok()) {
    spdlog::error("{}", std::string(saved.message()));
  }
}

void NodeState::EndWaits() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
}

absl::Status NodeState::SaveCheckpoint() {
  const std::lock_guard<std::mutex> writing(writing_);
  CheckpointWriter writer(std::move(checkpoint_text_));
  Read([&](const State& state) {
    writer.AddPods(state.pod_devices);
    for (const auto& [resource, ids] : state.model.HealthyByResource()) {
      writer.AddResource(resource, *ids);
    }
  });
  checkpoint_text_ = std::move(writer).Finish();
  return Annotate(WriteFileAtomically(checkpoint_, checkpoint_text_),
                  "failed to write checkpoint file");
}

absl::Status NodeState::LoseCheckpoint() {
  const std::lock_guard<std::mutex> writing(writing_);
  std::error_code error;
  if (std::filesystem::remove(checkpoint_, error)) return absl::OkStatus();
  return ErrnoStatus(error ? error.value() : ENOENT, checkpoint_.native());
}

absl::Status NodeState::CorruptCheckpoint() {
  const std::lock_guard<std::mutex> writing(writing_);
  ASSIGN_OR_RETURN(std::string text, ReadFile(checkpoint_, kCheckpointMaxBytes));
  if (text.empty()) return absl::FailedPreconditionError(checkpoint_.native() + " is empty");
  text[text.size() / 2] ^= 1;
  return WriteFileAtomically(checkpoint_, text);
}

void NodeState::LoadCheckpoint() {
  const TimePoint now = Now();
  Checkpoint checkpoint;
  const absl::StatusOr<std::string> text = ReadFile(checkpoint_, kCheckpointMaxBytes);
  if (text.ok()) {
    absl::StatusOr<Checkpoint> decoded = DecodeCheckpoint(*text);
    if (decoded.ok()) {
      checkpoint = *std::move(decoded);
    } else {
      spdlog::error("{}: {}; starting without it", checkpoint_.native(),
                    std::string(decoded.status().message()));
    }
  } else if (!absl::IsNotFound(text.status())) {
    spdlog::error("{}; starting without a checkpoint", std::string(text.status().message()));
  }
  std::set<std::string> resources;
  for (const auto& [resource, ids] : checkpoint.registered) resources.insert(resource);
  Change([&](State& state) {
    state.model.Restart(resources, now);
    state.pod_devices = checkpoint.pod_devices;
  });
}

}  // namespace nodedevice::devicemanager
