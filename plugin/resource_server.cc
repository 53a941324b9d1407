#include "plugin/resource_server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_join.h"
#include "lib/base/log.h"

namespace nodedevice {
namespace {

constexpr std::chrono::milliseconds kCallsInterval(500);

std::string PathsOf(const Device& device) {
  std::vector<std::string> paths;
  for (const DeviceNode& node : device.nodes) paths.push_back(node.host_path);
  for (const DeviceMount& mount : device.mounts) paths.push_back(mount.host_path);
  return absl::StrJoin(paths, " ");
}

}  // namespace

struct ResourceServer::Mailbox : std::enable_shared_from_this<Mailbox> {
  Mailbox(EventLoop& event_loop, ResourceServer* resource_server)
      : loop(event_loop), owner(resource_server) {}

  void Post(std::function<void(ResourceServer&)> message) {
    loop.Post([self = shared_from_this(), message = std::move(message)] {
      if (self->owner != nullptr) message(*self->owner);
    });
  }
  void PostEvent(Registrar::Event event) {
    Post([event = std::move(event)](ResourceServer& server) { server.Handle(event); });
  }

  EventLoop& loop;
  ResourceServer* owner;  // loop thread only; nullptr once it is gone
};

// The open server, if any. Only the worker touches it, until the worker has ended.
struct ResourceServer::Running {
  std::unique_ptr<RpcServer> server;
};

ResourceServer::ResourceServer(Parts parts, std::string resource)
    : parts_(std::move(parts)),
      resource_(std::move(resource)),
      sockets_(parts_.paths.device_plugins(), resource_),
      mailbox_(std::make_shared<Mailbox>(parts_.loop, this)),
      board_(parts_.spec.sharing.replicas),
      deadline_(parts_.loop, [this] { Handle(Registrar::DeadlinePassed{}); }),
      calls_(parts_.loop,
             [this] {
               call_answered_->store(false);
               parts_.on_change();
             }),
      call_answered_(std::make_shared<std::atomic<bool>>(false)),
      running_(std::make_shared<Running>()) {}

ResourceServer::~ResourceServer() {
  mailbox_->owner = nullptr;
  board_.CloseStreams();
  running_->server.reset();
}

StreamCallbacks ResourceServer::CallbacksOf(std::uint64_t generation) {
  return {
      .on_opened = [mailbox = mailbox_,
                    generation] { mailbox->PostEvent(Registrar::StreamOpened{generation}); },
      .on_closed =
          [mailbox = mailbox_, generation] {
            mailbox->Post([generation](ResourceServer& server) {
              // First learn whether the kubelet itself is gone: then there is nobody to call.
              server.parts_.on_look_at_kubelet();
              server.Handle(Registrar::StreamClosed{generation});
            });
          },
      .on_list_sent =
          [mailbox = mailbox_, generation](bool empty) {
            mailbox->Post([generation, empty](ResourceServer& server) {
              ++server.list_updates_;
              if (empty) server.Handle(Registrar::EmptySent{generation});
              server.parts_.on_change();
            });
          },
  };
}

Answers ResourceServer::MakeAnswers() {
  return Answers(
      {.spec = parts_.spec,
       .host = parts_.host,
       .board = board_,
       .stats = stats_,
       .on_answered =
           [mailbox = mailbox_, answered = call_answered_] {
             if (answered->exchange(true)) return;
             mailbox->Post([](ResourceServer& server) { server.calls_.After(kCallsInterval); });
           },
       .on_device_missing =
           [mailbox = mailbox_] {
             mailbox->Post([](ResourceServer& server) { server.parts_.on_device_missing(); });
           },
       .prepare = parts_.prepare});
}

void ResourceServer::Publish(DeviceSet devices, std::shared_ptr<const Affinity> affinity,
                             std::shared_ptr<const PluginSpec> spec) {
  const auto current = board_.Current();
  const bool same = affinity == current->affinity ||
                    (affinity && current->affinity && *affinity == *current->affinity);
  if (same && spec == current->spec && devices == current->devices) return;
  const Sharing& sharing = (spec != nullptr ? *spec : parts_.spec).sharing;
  board_.Publish({.devices = std::move(devices),
                  .replicas = sharing.replicas,
                  .withdrawn = current->withdrawn,
                  .affinity = std::move(affinity),
                  .spec = std::move(spec)});
  parts_.on_change();
}

void ResourceServer::OnKubelet(Transition transition) {
  switch (transition) {
    case Transition::kUp:
      return Handle(Registrar::KubeletUp{.replaced = false});
    case Transition::kReplaced:
      return Handle(Registrar::KubeletUp{.replaced = true});
    case Transition::kDown:
      return Handle(Registrar::KubeletDown{});
  }
}

void ResourceServer::CheckOwnSocket() {
  if (!serving_ || ReadSocketIdentity(sockets_.PathFor(generation_))) return;
  Handle(Registrar::OwnSocketRemoved{});
}

void ResourceServer::Stop(bool withdraw) { Handle(Registrar::StopRequested{withdraw}); }

void ResourceServer::Handle(const Registrar::Event& event) {
  if (stopped_) return;
  const RegistrationPhase before = registrar_.phase();
  const auto actions = registrar_.Handle(event, Clock::now());
  for (const Registrar::Action& action : actions) {
    std::visit([this](const auto& a) { Perform(a); }, action);
  }
  if (const auto when = registrar_.NextDeadline()) {
    deadline_.At(*when);
  } else {
    deadline_.Cancel();
  }
  if (registrar_.phase() == before) return;
  if (!registrar_.error().empty()) {
    spdlog::warn("{}: {}; trying again", resource_, registrar_.error());
  } else {
    spdlog::info("{}: {}", resource_, std::string(ToString(registrar_.phase())));
  }
  parts_.on_change();
}

void ResourceServer::Perform(const Registrar::Serve& action) {
  generation_ = action.generation;
  serving_ = false;
  call_.reset();
  board_.CloseStreams();
  parts_.worker.Do([this, generation = generation_, running = running_, mailbox = mailbox_] {
    running->server.reset();
    board_.Reopen();
    sockets_.RemoveStale();
    auto opened = RpcServer::Open(
        sockets_.PathFor(generation),
        {.answers = MakeAnswers(), .board = board_, .stream = CallbacksOf(generation)});
    const absl::Status status = opened.status();
    if (status.ok()) running->server = *std::move(opened);
    mailbox->Post([generation, status](ResourceServer& server) {
      if (generation == server.generation_) server.serving_ = status.ok();
      server.Handle(Registrar::ServerReady{generation, status});
    });
  });
}

void ResourceServer::Perform(const Registrar::Register& action) {
  // Without the file the kubelet's dial-back, and so this call, would hang for ten seconds.
  if (!ReadSocketIdentity(sockets_.PathFor(action.generation))) {
    mailbox_->PostEvent(Registrar::OwnSocketRemoved{});
    return;
  }
  call_.reset();
  call_ = std::make_unique<RegisterCall>(
      parts_.paths, resource_, sockets_.NameFor(action.generation),
      /*prepares=*/parts_.prepare != nullptr,
      [mailbox = mailbox_, generation = action.generation](const absl::Status& status) {
        mailbox->PostEvent(Registrar::RegisterDone{generation, status});
      });
}

void ResourceServer::Perform(const Registrar::PublishEmpty&) {
  const auto current = board_.Current();
  Announcement nothing = *current;
  nothing.withdrawn = true;
  board_.Publish(std::move(nothing));
}

void ResourceServer::Perform(const Registrar::ShutDown&) {
  serving_ = false;
  call_.reset();
  board_.CloseStreams();
  parts_.worker.Do([running = running_, mailbox = mailbox_] {
    running->server.reset();
    mailbox->Post([](ResourceServer& server) {
      server.stopped_ = true;
      server.parts_.on_stopped();
    });
  });
}

ResourceReport ResourceServer::Report() const {
  ResourceReport report;
  report.resource = resource_;
  report.phase = registrar_.phase();
  report.error = registrar_.error();
  report.registrations_ok = registrar_.registrations_ok();
  report.registrations_failed = registrar_.registrations_failed();
  report.list_updates = list_updates_;
  report.rpc = stats_.Read();
  const auto announced = board_.Current();
  const auto replicas = static_cast<std::uint64_t>(announced->replicas);
  // Unhealthy ones first: they are why somebody looks.
  for (const bool healthy : {false, true}) {
    for (const auto& [id, device] : announced->devices) {
      if (device.healthy() != healthy) continue;
      (healthy ? report.healthy : report.unhealthy) += replicas;
      if (report.devices.size() >= kMaxReportedDevices) continue;
      report.devices.push_back({.id = id,
                                .healthy = healthy,
                                .reason = device.problem,
                                .paths = PathsOf(device),
                                .numa_nodes = device.numa_nodes});
    }
  }
  return report;
}

}  // namespace nodedevice
