#include "devicemanager/server.h"

#include <utility>

#include "devicemanager/kubelet_folder.h"
#include "lib/base/log.h"

namespace nodedevice::devicemanager {
namespace {

// How often a kubelet looks at its capacity, and so notices that a grace period is over.
constexpr Duration kNodeStatusPeriod = std::chrono::seconds(10);

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(EventLoop& loop, const KubeletPaths& paths,
                                                      const ServerSettings& settings) {
  RETURN_IF_ERROR(CheckTopology(settings.topology));
  ASSIGN_OR_RETURN(UniqueFd folder_lock, LockFolder(paths));
  RETURN_IF_ERROR(RefuseLiveKubelet(paths));
  std::unique_ptr<Server> server(new Server(loop, paths, settings, std::move(folder_lock)));
  RETURN_IF_ERROR(server->Open());
  return server;
}

Server::Server(EventLoop& loop, const KubeletPaths& paths, const ServerSettings& settings,
               UniqueFd folder_lock)
    : loop_(loop),
      paths_(paths),
      folder_lock_(std::move(folder_lock)),
      state_(paths.checkpoint()),
      plugins_(state_, paths.device_plugins(), settings.dial_timeout),
      admitter_(state_, plugins_, settings.pre_start_timeout, settings.topology, settings.shuffle),
      registration_service_(plugins_),
      pod_resources_service_(state_),
      pod_resources_alpha_service_(state_),
      restart_(loop,
               [this] {
                 if (absl::Status opened = Open(); !opened.ok()) on_failure_(std::move(opened));
               }),
      node_status_(loop, [this] {
        node_status_.After(kNodeStatusPeriod);
        state_.ForgetExpired();
      }) {}

Server::~Server() { Stop(); }

void Server::Stop() {
  state_.EndWaits();
  restart_.Cancel();
  Close();
}

RegistryHandlers Server::Handlers() {
  const auto tell = [](const RegistryAttempt& attempt) {
    if (const absl::Status result = attempt.Result(); result.ok()) {
      spdlog::info("registered {} at {}", attempt.plugin.name, attempt.plugin.socket.native());
    } else {
      spdlog::warn("{}: {}", attempt.plugin.socket.native(), std::string(result.message()));
    }
  };
  return {.add =
              [this](const FoundPlugin& found) {
                return plugins_.RegisterAt(found.name, found.Endpoint());
              },
          .remove =
              [this](const std::string& resource) {
                spdlog::info("{}: deregistered in plugins_registry", resource);
                plugins_.Deregister(resource);
              },
          .tell = tell};
}

absl::Status Server::Open() {
  RETURN_IF_ERROR(PrepareFolder(paths_));
  state_.LoadCheckpoint();
  state_.Change([](State& state) {
    state.serving = true;
    state.metrics = {};  // a new kubelet counts from nothing
  });
  plugins_.Open();
  admitter_.SetOpen(true);
  ASSIGN_OR_RETURN(pod_resources_,
                   GrpcListener::Start(loop_, paths_.pod_resources_socket(),
                                       {&pod_resources_service_, &pod_resources_alpha_service_}));
  ASSIGN_OR_RETURN(registration_, GrpcListener::Start(loop_, paths_.registration_socket(),
                                                      {&registration_service_}));
  registry_ = std::make_unique<RegistryWatcher>(loop_, paths_.plugins_registry(), Handlers());
  node_status_.After(kNodeStatusPeriod);
  spdlog::info("serving on {}", paths_.registration_socket().native());
  state_.Change([](State& state) { ++state.starts; });
  return absl::OkStatus();
}

void Server::Close() {
  node_status_.Cancel();
  state_.Change([](State& state) { state.serving = false; });
  // First what a call to us may wait for, so that shutting the servers down waits for nothing.
  if (registry_) registry_->Cancel();
  plugins_.Close();
  registry_.reset();
  registration_.reset();
  pod_resources_.reset();
  admitter_.SetOpen(false);
}

void Server::Restart(Duration down, std::function<void(absl::Status)> on_failure) {
  if (!registration_) return;
  spdlog::info("restarting: streams end, {} refuses for a moment",
               paths_.registration_socket().native());
  on_failure_ = std::move(on_failure);
  Close();
  restart_.After(down);
}

}  // namespace nodedevice::devicemanager
