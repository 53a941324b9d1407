#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/api/plugin_report.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/status.h"

namespace nodedevice {

// Gets one resource registered with the kubelet and keeps it so. Pure: events and time in, actions
// out; the state table is in docs/kubelet-contract.md, with what a real kubelet was seen to do.
//
// The kubelet never redials: whoever loses its stream must register again. And it looks resources
// up by name: registering while an older stream is open ends with both of them lost. So a server is
// shut down completely before the next one starts, each start has a fresh socket name (a
// generation), and after ending a stream ourselves we give the kubelet time to notice.
class Registrar {
 public:
  // ---- what happened -----------------------------------------------------------------------
  struct KubeletUp {
    bool replaced = false;  // another kubelet process than before: old streams are not its
  };
  struct KubeletDown {};
  struct OwnSocketRemoved {};
  struct ServerReady {
    std::uint64_t generation;
    absl::Status status;
  };
  struct RegisterDone {
    std::uint64_t generation;
    absl::Status status;
  };
  struct StreamOpened {
    std::uint64_t generation;
  };
  struct StreamClosed {
    std::uint64_t generation;
  };
  struct EmptySent {  // the empty list is on its way
    std::uint64_t generation;
  };
  struct DeadlinePassed {};
  struct StopRequested {
    bool withdraw = false;  // give the resource up, rather than come back soon
  };
  using Event = std::variant<KubeletUp, KubeletDown, OwnSocketRemoved, ServerReady, RegisterDone,
                             StreamOpened, StreamClosed, EmptySent, DeadlinePassed, StopRequested>;

  // ---- what to do --------------------------------------------------------------------------
  struct Serve {  // shut the old server down, then open a new one; answer with ServerReady
    std::uint64_t generation;
  };
  struct Register {  // answer with RegisterDone
    std::uint64_t generation;
  };
  struct PublishEmpty {};  // answer with EmptySent or StreamClosed
  struct ShutDown {};      // for good
  using Action = std::variant<Serve, Register, PublishEmpty, ShutDown>;

  static constexpr Duration kSettle = std::chrono::milliseconds(100);
  // A kubelet asks for the list within milliseconds, or has forgotten the registration.
  static constexpr Duration kStreamExpected = std::chrono::seconds(2);
  static constexpr Duration kStable = std::chrono::seconds(10);
  static constexpr Duration kWithdrawLimit = std::chrono::seconds(1);
  static constexpr Backoff kBackoff{.first = std::chrono::milliseconds(100),
                                    .limit = std::chrono::seconds(30)};

  std::vector<Action> Handle(const Event& event, TimePoint now);

  // When DeadlinePassed is due; nullopt: nothing is pending.
  std::optional<TimePoint> NextDeadline() const { return deadline_; }

  // ---- for the report ----------------------------------------------------------------------
  RegistrationPhase phase() const;
  const std::string& error() const { return error_; }
  std::uint64_t registrations_ok() const { return registrations_ok_; }
  std::uint64_t registrations_failed() const { return registrations_failed_; }

 private:
  enum class State {
    kIdle,         // no kubelet
    kStarting,     // the server is being opened
    kSettling,     // it is open; the kubelet is given time to notice the end of our old stream
    kRegistering,  // Register is outstanding
    kRegistered,   // accepted; the kubelet has not asked for the list yet
    kStreaming,
    kWaiting,  // back-off
    kWithdrawing,
    kStopped,
  };
  using Actions = std::vector<Action>;

  Actions On(const KubeletUp& event, TimePoint now);
  Actions On(const KubeletDown& event, TimePoint now);
  Actions On(const OwnSocketRemoved& event, TimePoint now);
  Actions On(const ServerReady& event, TimePoint now);
  Actions On(const RegisterDone& event, TimePoint now);
  Actions On(const StreamOpened& event, TimePoint now);
  Actions On(const StreamClosed& event, TimePoint now);
  Actions On(const EmptySent& event, TimePoint now);
  Actions On(const DeadlinePassed& event, TimePoint now);
  Actions On(const StopRequested& event, TimePoint now);

  bool stopping() const { return state_ == State::kWithdrawing || state_ == State::kStopped; }
  Actions StartServing(TimePoint now);
  Actions StartRegistering();
  Actions Wait(TimePoint now, std::string why);
  Actions Stop();
  void EnterStreaming(TimePoint now);

  State state_ = State::kIdle;
  std::uint64_t generation_ = 0;
  bool stream_open_ = false;
  TimePoint settled_at_{};  // the kubelet has surely noticed the end of the stream that we ended
  std::optional<TimePoint> deadline_;
  int failures_ = 0;
  std::string error_;
  std::uint64_t registrations_ok_ = 0;
  std::uint64_t registrations_failed_ = 0;
};

}  // namespace nodedevice
