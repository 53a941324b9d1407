#include "devicemanager/registry_watcher.h"

#include <sys/stat.h>

#include <set>
#include <system_error>
#include <utility>

#include "devicemanager/rpc_error.h"
#include "devicemanager/unix_socket.h"
#include "grpcpp/create_channel_posix.h"
#include "lib/base/log.h"
#include "proto/pluginregistration.grpc.pb.h"

namespace nodedevice::devicemanager {
namespace {

namespace fs = std::filesystem;

// The kubelet's own.
constexpr Duration kLookPeriod = std::chrono::seconds(1);
constexpr Duration kInfoTimeout = std::chrono::seconds(1);
constexpr Duration kNotifyTimeout = std::chrono::seconds(5);

struct Found {
  RegistrySockets sockets;
  std::set<fs::path> folders;
};

Found Scan(const fs::path& root) {
  Found found;
  found.folders.insert(root);
  std::error_code error;
  for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end;
       entry.increment(error)) {
    const bool hidden = entry->path().filename().native().starts_with('.');
    struct stat info;
    if (::lstat(entry->path().c_str(), &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      if (hidden) {
        entry.disable_recursion_pending();
      } else {
        found.folders.insert(entry->path());
      }
    } else if (S_ISSOCK(info.st_mode) && !hidden) {
      // When it was made, which a later chmod does not change.
      const std::int64_t made = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
      found.sockets[entry->path()] = {
          .device = info.st_dev, .inode = info.st_ino, .changed_ns = made};
    }
  }
  return found;
}

}  // namespace

RegistryWatcher::RegistryWatcher(EventLoop& loop, fs::path folder, PluginConnections& plugins)
    : loop_(loop),
      folder_(std::move(folder)),
      plugins_(plugins),
      watch_(
          loop, [this] { Look(); }, DirectoryWatch::Events::kNames),
      again_(loop, [this] { Look(); }) {
  Look();
}

RegistryWatcher::~RegistryWatcher() {
  *self_ = nullptr;
  Cancel();
  threads_.Join();
}

void RegistryWatcher::Cancel() {
  again_.Cancel();
  calls_.Cancel();
}

void RegistryWatcher::Look() {
  if (calls_.cancelled()) return;
  again_.After(kLookPeriod);
  Found found = Scan(folder_);
  if (const absl::Status watched = watch_.Watch(found.folders); !watched.ok()) {
    spdlog::debug("{}", std::string(watched.message()));  // the period stands in
  }
  // Those that appeared before their folder was watched.
  found = Scan(folder_);
  for (const PluginRegistry::Action& action : registry_.Look(found.sockets, Clock::now())) {
    if (const auto* registration = std::get_if<PluginRegistry::Register>(&action)) {
      Begin(*registration);
    } else {
      const std::string& resource = std::get<PluginRegistry::Deregister>(action).resource;
      spdlog::info("{}: its socket in plugins_registry is gone", resource);
      plugins_.Deregister(resource);
    }
  }
}

void RegistryWatcher::Begin(const PluginRegistry::Register& registration) {
  threads_.Run([this, registration, self = self_] {
    const absl::StatusOr<std::string> resource = Register(registration.socket);
    if (resource.ok()) {
      spdlog::info("registered {} at {}", *resource, registration.socket.native());
    } else {
      spdlog::warn("{}: {}", registration.socket.native(),
                   std::string(resource.status().message()));
    }
    loop_.Post([self, registration, resource] {
      if (*self == nullptr) return;
      (*self)->registry_.Ended(registration, resource, Clock::now());
      (*self)->Look();
    });
  });
}

absl::StatusOr<std::string> RegistryWatcher::Register(const fs::path& socket) {
  absl::StatusOr<UniqueFd> connected = ConnectUnix(socket);
  if (!connected.ok()) return Annotate(connected.status(), "RegisterPlugin error -- dial failed");
  const auto stub = pluginregistration::Registration::NewStub(
      grpc::CreateInsecureChannelFromFd("localhost", connected->Release()));

  pluginregistration::PluginInfo info;
  const grpc::Status asked = calls_.Run(kInfoTimeout, [&](grpc::ClientContext* context) {
    return stub->GetInfo(context, pluginregistration::InfoRequest(), &info);
  });
  if (!asked.ok()) {
    return Annotate(FromGrpc(asked), "RegisterPlugin error -- failed to get plugin info");
  }
  const auto& versions = info.supported_versions();
  absl::Status registered =
      ValidateRegistryPlugin(info.type(), info.name(), {versions.begin(), versions.end()}, socket);
  if (registered.ok()) {
    registered = plugins_.RegisterAt(info.name(),
                                     info.endpoint().empty() ? socket.native() : info.endpoint());
    if (!registered.ok()) {
      registered =
          Annotate(registered, "RegisterPlugin error -- plugin registration failed with err");
    }
  }

  pluginregistration::RegistrationStatus status;
  status.set_plugin_registered(registered.ok());
  status.set_error(std::string(registered.message()));
  pluginregistration::RegistrationStatusResponse response;
  const grpc::Status told = calls_.Run(kNotifyTimeout, [&](grpc::ClientContext* context) {
    return stub->NotifyRegistrationStatus(context, status, &response);
  });
  RETURN_IF_ERROR(registered);
  if (!told.ok()) {
    plugins_.Deregister(info.name());
    return Annotate(FromGrpc(told), "RegisterPlugin error -- failed to send registration status");
  }
  return info.name();
}

}  // namespace nodedevice::devicemanager
