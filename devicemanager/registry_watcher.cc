#include "devicemanager/registry_watcher.h"

#include <sys/stat.h>

#include <set>
#include <system_error>
#include <utility>

#include "devicemanager/rpc_error.h"
#include "devicemanager/unix_socket.h"
#include "grpcpp/create_channel_posix.h"
#include "lib/base/log.h"

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

absl::Status RegistryAttempt::Result() const {
  if (!connected.ok()) return Annotate(connected, "RegisterPlugin error -- dial failed");
  if (asked && !asked->ok()) {
    return Annotate(*asked, "RegisterPlugin error -- failed to get plugin info");
  }
  if (registered && !registered->ok()) return *registered;
  if (told && !told->ok()) {
    return Annotate(*told, "RegisterPlugin error -- failed to send registration status");
  }
  return absl::OkStatus();
}

RegistryWatcher::RegistryWatcher(EventLoop& loop, fs::path folder, RegistryHandlers handlers)
    : loop_(loop),
      folder_(std::move(folder)),
      handlers_(std::move(handlers)),
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
      handlers_.remove(std::get<PluginRegistry::Deregister>(action).resource);
    }
  }
}

void RegistryWatcher::Begin(const PluginRegistry::Register& registration) {
  threads_.Run([this, registration, self = self_] {
    const RegistryAttempt attempt = Register(registration.socket);
    handlers_.tell(attempt);
    absl::StatusOr<std::string> resource = attempt.plugin.name;
    if (absl::Status result = attempt.Result(); !result.ok()) resource = std::move(result);
    loop_.Post([self, registration, resource] {
      if (*self == nullptr) return;
      (*self)->registry_.Ended(registration, resource, Clock::now());
      (*self)->Look();
    });
  });
}

RegistryAttempt RegistryWatcher::Register(const fs::path& socket) {
  RegistryAttempt attempt;
  FoundPlugin& plugin = attempt.plugin;
  plugin.socket = socket;
  absl::StatusOr<UniqueFd> connection = ConnectUnix(socket);
  attempt.connected = connection.status();
  if (!connection.ok()) return attempt;
  const auto stub = pluginregistration::Registration::NewStub(
      grpc::CreateInsecureChannelFromFd("localhost", connection->Release()));
  attempt.asked = Ask(*stub, &plugin);
  if (!attempt.asked->ok()) return attempt;
  absl::Status registered =
      ValidateRegistryPlugin(plugin.type, plugin.name, plugin.versions, socket);
  if (registered.ok()) {
    registered = Annotate(handlers_.add(plugin),
                          "RegisterPlugin error -- plugin registration failed with err");
  }
  attempt.registered = registered;
  attempt.told = Tell(*stub, registered);
  if (registered.ok() && !attempt.told->ok()) handlers_.remove(plugin.name);
  return attempt;
}

absl::Status RegistryWatcher::Ask(pluginregistration::Registration::Stub& stub,
                                  FoundPlugin* plugin) {
  pluginregistration::PluginInfo info;
  const grpc::Status asked = calls_.Run(kInfoTimeout, [&](grpc::ClientContext* context) {
    return stub.GetInfo(context, pluginregistration::InfoRequest(), &info);
  });
  if (!asked.ok()) return FromGrpc(asked);
  plugin->type = info.type();
  plugin->name = info.name();
  plugin->told_endpoint = info.endpoint();
  plugin->versions.assign(info.supported_versions().begin(), info.supported_versions().end());
  return absl::OkStatus();
}

absl::Status RegistryWatcher::Tell(pluginregistration::Registration::Stub& stub,
                                   const absl::Status& registered) {
  pluginregistration::RegistrationStatus status;
  status.set_plugin_registered(registered.ok());
  status.set_error(std::string(registered.message()));
  pluginregistration::RegistrationStatusResponse response;
  const grpc::Status told = calls_.Run(kNotifyTimeout, [&](grpc::ClientContext* context) {
    return stub.NotifyRegistrationStatus(context, status, &response);
  });
  return told.ok() ? absl::OkStatus() : FromGrpc(told);
}

}  // namespace nodedevice::devicemanager
