#include "plugin/registrar.h"

#include <utility>

namespace nodedevice {

std::vector<Registrar::Action> Registrar::Handle(const Event& event, TimePoint now) {
  return std::visit([&](const auto& e) { return On(e, now); }, event);
}

RegistrationPhase Registrar::phase() const {
  switch (state_) {
    case State::kIdle:
      return RegistrationPhase::kIdle;
    case State::kStarting:
    case State::kSettling:
      return RegistrationPhase::kStarting;
    case State::kRegistering:
      return RegistrationPhase::kRegistering;
    case State::kRegistered:
      return RegistrationPhase::kRegistered;
    case State::kStreaming:
      return RegistrationPhase::kStreaming;
    case State::kWaiting:
      return RegistrationPhase::kWaiting;
    case State::kWithdrawing:
    case State::kStopped:
      break;
  }
  return RegistrationPhase::kWithdrawing;
}

Registrar::Actions Registrar::StartServing(TimePoint now) {
  // Shutting the old server down ends its stream; this kubelet needs a moment to clean up.
  if (stream_open_) settled_at_ = now + kSettle;
  stream_open_ = false;
  state_ = State::kStarting;
  deadline_.reset();
  return {Serve{++generation_}};
}

Registrar::Actions Registrar::StartRegistering() {
  state_ = State::kRegistering;
  deadline_.reset();
  return {Register{generation_}};
}

Registrar::Actions Registrar::Wait(TimePoint now, std::string why) {
  error_ = std::move(why);
  state_ = State::kWaiting;
  deadline_ = now + kBackoff.After(++failures_);
  return {};
}

Registrar::Actions Registrar::Stop() {
  state_ = State::kStopped;
  deadline_.reset();
  return {ShutDown{}};
}

void Registrar::EnterStreaming(TimePoint now) {
  state_ = State::kStreaming;
  error_.clear();
  deadline_.reset();
  if (failures_ > 0) deadline_ = now + kStable;
}

Registrar::Actions Registrar::On(const KubeletUp& event, TimePoint now) {
  if (stopping()) return {};
  if (event.replaced || state_ == State::kIdle) {
    // A new process knows nothing of our old stream: there is nothing to wait for.
    stream_open_ = false;
    settled_at_ = {};
  }
  return StartServing(now);
}

Registrar::Actions Registrar::On(const KubeletDown&, TimePoint) {
  if (stopping()) return {};
  state_ = State::kIdle;
  deadline_.reset();
  failures_ = 0;
  error_.clear();
  return {};
}

Registrar::Actions Registrar::On(const OwnSocketRemoved&, TimePoint now) {
  switch (state_) {
    case State::kStarting:
    case State::kSettling:
    case State::kStreaming:
      return StartServing(now);
    case State::kRegistering:
    case State::kRegistered:
      return Wait(now, "the plugin's socket was removed");
    case State::kIdle:
    case State::kWaiting:
    case State::kWithdrawing:
    case State::kStopped:
      break;
  }
  return {};
}

Registrar::Actions Registrar::On(const ServerReady& event, TimePoint now) {
  if (event.generation != generation_ || state_ != State::kStarting) return {};
  if (!event.status.ok()) return Wait(now, std::string(event.status.message()));
  if (now < settled_at_) {
    state_ = State::kSettling;
    deadline_ = settled_at_;
    return {};
  }
  return StartRegistering();
}

Registrar::Actions Registrar::On(const RegisterDone& event, TimePoint now) {
  if (event.generation != generation_) return {};
  // Counted even when the answer comes too late to matter: the kubelet saw the call.
  ++(event.status.ok() ? registrations_ok_ : registrations_failed_);
  if (state_ != State::kRegistering) return {};
  if (!event.status.ok()) return Wait(now, std::string(event.status.message()));
  if (stream_open_) {
    EnterStreaming(now);
  } else {
    state_ = State::kRegistered;
    deadline_ = now + kStreamExpected;
  }
  return {};
}

Registrar::Actions Registrar::On(const StreamOpened& event, TimePoint now) {
  if (event.generation != generation_) return {};
  stream_open_ = true;
  if (state_ == State::kRegistered) EnterStreaming(now);
  return {};
}

Registrar::Actions Registrar::On(const StreamClosed& event, TimePoint now) {
  if (event.generation != generation_) return {};
  stream_open_ = false;
  if (state_ == State::kWithdrawing) return Stop();
  if (state_ != State::kStreaming) return {};
  // The kubelet has cleaned up already, so the first time needs no pause. If it goes on cancelling,
  // somebody else announces this resource too, and backing off is all that helps.
  if (failures_ == 0) {
    failures_ = 1;
    return StartRegistering();
  }
  return Wait(now, "the kubelet ended the device list stream");
}

Registrar::Actions Registrar::On(const EmptySent& event, TimePoint) {
  if (event.generation != generation_ || state_ != State::kWithdrawing) return {};
  return Stop();
}

Registrar::Actions Registrar::On(const DeadlinePassed&, TimePoint now) {
  if (!deadline_ || now < *deadline_) return {};
  deadline_.reset();
  switch (state_) {
    case State::kSettling:
      return StartRegistering();
    case State::kRegistered:
      return Wait(now, "registered, but the kubelet did not ask for the device list");
    case State::kStreaming:
      failures_ = 0;
      return {};
    case State::kWaiting:
      return StartServing(now);
    case State::kWithdrawing:
      return Stop();
    case State::kIdle:
    case State::kStarting:
    case State::kRegistering:
    case State::kStopped:
      break;
  }
  return {};
}

Registrar::Actions Registrar::On(const StopRequested& event, TimePoint now) {
  if (state_ == State::kStopped) return {};
  if (event.withdraw && state_ == State::kStreaming) {
    state_ = State::kWithdrawing;
    deadline_ = now + kWithdrawLimit;
    return {PublishEmpty{}};
  }
  if (event.withdraw && state_ == State::kWithdrawing) return {};
  return Stop();
}

}  // namespace nodedevice
