#include "plugin/resource_server.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_join.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "lib/base/log.h"
#include "plugin/kubelet_client.h"

namespace nodedevice {
namespace {

// Streams are ended before; what is left is a call that hangs in the transport.
constexpr std::chrono::milliseconds kShutdownLimit(200);
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

struct ResourceServer::Running {
  std::unique_ptr<DevicePluginService> service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<RegisterCall> call;  // loop thread only

  // Shuts the server down completely; its socket file goes with it.
  void Close() {
    if (server == nullptr) return;
    server->Shutdown(std::chrono::system_clock::now() + kShutdownLimit);
    server.reset();
    service.reset();
  }
};

ResourceServer::ResourceServer(Parts parts, std::string resource)
    : parts_(std::move(parts)),
      resource_(std::move(resource)),
      sockets_(parts_.paths.device_plugins(), resource_),
      mailbox_(std::make_shared<Mailbox>(parts_.loop, this)),
      board_(parts_.spec.sharing.replicas, BoardCallbacks()),
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
  running_->Close();
}

DeviceBoard::Callbacks ResourceServer::BoardCallbacks() {
  return {
      .on_stream_opened =
          [mailbox = mailbox_](std::uint64_t generation) {
            mailbox->PostEvent(Registrar::StreamOpened{generation});
          },
      .on_stream_closed =
          [mailbox = mailbox_](std::uint64_t generation) {
            mailbox->Post([generation](ResourceServer& server) {
              // First learn whether the kubelet itself is gone: then there is nobody to call.
              server.parts_.on_look_at_kubelet();
              server.Handle(Registrar::StreamClosed{generation});
            });
          },
      .on_list_sent =
          [mailbox = mailbox_](std::uint64_t generation, bool empty) {
            mailbox->Post([generation, empty](ResourceServer& server) {
              ++server.list_updates_;
              if (empty) server.Handle(Registrar::EmptySent{generation});
              server.parts_.on_change();
            });
          },
  };
}

void ResourceServer::Publish(DeviceSet devices) {
  const auto current = board_.Current();
  if (devices == current->devices) return;
  board_.Publish({.devices = std::move(devices),
                  .replicas = current->replicas,
                  .withdrawn = current->withdrawn});
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
  running_->call.reset();
  board_.CloseStreams();
  parts_.worker.Do([this, generation = generation_, running = running_, mailbox = mailbox_] {
    running->Close();
    board_.Reopen();
    sockets_.RemoveStale();
    const std::filesystem::path path = sockets_.PathFor(generation);
    absl::Status status = CheckSocketPathLength(path);
    if (status.ok() && ::access(path.parent_path().c_str(), W_OK | X_OK) != 0) {
      status =
          ErrnoStatus(errno, absl::StrCat("cannot make a socket in ", path.parent_path().string()));
    }
    if (status.ok()) {
      running->service = std::make_unique<DevicePluginService>(
          DevicePluginService::Parts{
              .spec = parts_.spec,
              .host = parts_.host,
              .board = board_,
              .stats = stats_,
              .on_call_answered =
                  [mailbox, answered = call_answered_] {
                    if (answered->exchange(true)) return;
                    mailbox->Post([](ResourceServer& s) { s.calls_.After(kCallsInterval); });
                  },
              .on_device_missing =
                  [mailbox] {
                    mailbox->Post([](ResourceServer& s) { s.parts_.on_device_missing(); });
                  }},
          generation);
      grpc::ServerBuilder builder;
      builder.AddListeningPort("unix://" + path.string(), grpc::InsecureServerCredentials());
      builder.RegisterService(running->service.get());
      running->server = builder.BuildAndStart();
      if (running->server == nullptr) {
        status = absl::UnavailableError(absl::StrCat("cannot listen on ", path.string()));
      }
    }
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
  running_->call = RegisterCall::Start(
      parts_.loop, parts_.paths, resource_, sockets_.NameFor(action.generation),
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
  running_->call.reset();
  board_.CloseStreams();
  parts_.worker.Do([running = running_, mailbox = mailbox_] {
    running->Close();
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
