#include "devicemanager/conformance/played_kubelet.h"

#include <algorithm>
#include <future>
#include <utility>

#include "devicemanager/conformance/wire.h"
#include "devicemanager/kubelet_folder.h"
#include "devicemanager/register_request.h"
#include "lib/kubelet/socket_identity.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr Duration kConnectBackWithin = std::chrono::seconds(10);
constexpr Duration kNewsOfTheEnd = std::chrono::milliseconds(100);
constexpr Duration kGoesAfterTheError = std::chrono::milliseconds(500);
constexpr char kTurnedAway[] =
    "failed to get device plugin options: rpc error: code = Canceled desc = grpc: the client "
    "connection is closing";

}  // namespace

PlayedKubelet::PlayedKubelet(EventLoop& loop, KubeletPaths paths, Changes& changes)
    : loop_(loop), paths_(std::move(paths)), changes_(changes) {}

PlayedKubelet::~PlayedKubelet() { Kill(); }

void PlayedKubelet::OnLoop(const std::function<void()>& action) {
  std::promise<void> done;
  loop_.Post([&] {
    action();
    done.set_value();
  });
  done.get_future().wait();
}

absl::Status PlayedKubelet::Start() {
  RETURN_IF_ERROR(PrepareFolder(paths_));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    accepting_ = true;
    last_heard_ = Clock::now();
  }
  absl::Status started;
  OnLoop([&] {
    auto listener = GrpcListener::Start(loop_, paths_.registration_socket(), {this});
    if (!listener.ok()) {
      started = listener.status();
      return;
    }
    listener_ = *std::move(listener);
    registry_ = std::make_unique<RegistryWatcher>(loop_, paths_.plugins_registry(), Handlers());
  });
  return started;
}

void PlayedKubelet::Kill() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    accepting_ = false;
  }
  // Before its connections end, so that no plugin is told that it was refused.
  if (registry_) OnLoop([this] { registry_->Cancel(); });
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    DisconnectAll();
    changes_.Notify();
  }
  if (listener_) {
    OnLoop([this] {
      registry_.reset();
      listener_.reset();
    });
  }
  receivers_.Join();
}

void PlayedKubelet::SetStage(Stage stage) {
  const std::lock_guard<std::mutex> lock(mutex_);
  stage_ = stage;
}

void PlayedKubelet::AnswerAfter(Duration delay) {
  const std::lock_guard<std::mutex> lock(mutex_);
  delay_ = delay;
}

void PlayedKubelet::TurnAwayOnce(bool on) {
  const std::lock_guard<std::mutex> lock(mutex_);
  turned_away_ = on ? std::optional(std::set<std::string>()) : std::nullopt;
}

void PlayedKubelet::CutStreams() {
  const std::lock_guard<std::mutex> lock(mutex_);
  DisconnectAll();
}

void PlayedKubelet::DisconnectAll() {
  for (const auto& [number, connection] : open_) connection->Close();
  for (auto& [resource, current] : current_) Disconnect(&current);
}

void PlayedKubelet::Disconnect(Current* current) {
  if (!current->streaming) return;
  current->streaming = false;
  current->connection->Close();
  // With the last one who holds it goes the connection, as the plugin must see it go.
  current->connection.reset();
  streaming_.erase(current->number);
}

void PlayedKubelet::Disconnect(const std::string& resource) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto current = current_.find(resource);
  if (current != current_.end()) Disconnect(&current->second);
  changes_.Notify();
}

std::map<std::string, PlayedKubelet::Registered> PlayedKubelet::Resources() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {current_.begin(), current_.end()};
}

std::uint64_t PlayedKubelet::newest() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return newest_;
}

std::size_t PlayedKubelet::open_streams() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return streaming_.size();
}

bool PlayedKubelet::settled() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return registering_.empty();
}

TimePoint PlayedKubelet::last_heard() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_heard_;
}

std::vector<Registration> PlayedKubelet::Registrations() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return registrations_;
}

std::vector<Discovery> PlayedKubelet::Discoveries() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return discoveries_;
}

std::vector<Stream> PlayedKubelet::Streams() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Stream> streams = streams_;
  for (const auto& [resource, current] : current_) {
    if (current.streaming && current.record) {
      streams[*current.record].watched = Clock::now() - current.opened;
    }
  }
  return streams;
}

bool PlayedKubelet::Streams(const std::string& resource) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::any_of(streaming_.begin(), streaming_.end(),
                     [&](const auto& stream) { return stream.second == resource; });
}

void PlayedKubelet::Record(Registration registration) {
  const std::lock_guard<std::mutex> lock(mutex_);
  last_heard_ = Clock::now();
  if (registration.stage != Stage::kGrowth) registrations_.push_back(std::move(registration));
  changes_.Notify();
}

bool PlayedKubelet::TurnsAway(const std::string& resource) {
  return turned_away_ && turned_away_->insert(resource).second;
}

grpc::Status PlayedKubelet::Register(grpc::ServerContext* /*context*/,
                                     const v1beta1::RegisterRequest* request,
                                     v1beta1::Empty* /*response*/) {
  const std::string& resource = request->resource_name();
  Registration record = RegistrationOf(*request);
  const std::filesystem::path socket = EndpointPath(paths_.device_plugins(), record.endpoint);
  record.served_at_once = Connects(socket).ok();
  Duration delay;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_heard_ = Clock::now();
    record.stage = stage_;
    record.turned_away = TurnsAway(resource);
    delay = delay_;
  }
  // Who ends a stream and calls at once has ended it, though the news of it may come second. A
  // kubelet does not wait and fails in some of these cases; played, it would fail now and then.
  record.streaming_already = !changes_.WaitFor([&] { return !Streams(resource); }, kNewsOfTheEnd);
  absl::Status accepted;
  if (record.turned_away) {
    accepted = absl::UnknownError(kTurnedAway);
  } else if (accepted = CheckRegisterRequest(*request); accepted.ok()) {
    // Like a kubelet that is busy, it goes on although the caller may have given up.
    changes_.WaitFor(
        [&] {
          const std::lock_guard<std::mutex> lock(mutex_);
          return !accepting_;
        },
        delay);
    Current candidate;
    candidate.endpoint = record.endpoint;
    candidate.socket = socket;
    DialBack came;
    accepted = Accept(resource, std::move(candidate), &came);
    record.dialled = std::move(came.dialled);
    record.asked = std::move(came.asked);
    record.options = came.options;
  }
  Record(std::move(record));
  if (accepted.ok()) return grpc::Status::OK;
  return {grpc::StatusCode::UNKNOWN, std::string(accepted.message())};
}

RegistryHandlers PlayedKubelet::Handlers() {
  return {.add = [this](const FoundPlugin& found) { return Add(found); },
          .remove = [this](const std::string& resource) { Disconnect(resource); },
          .tell = [this](const RegistryAttempt& attempt) { Told(attempt); }};
}

absl::Status PlayedKubelet::Add(const FoundPlugin& found) {
  bool turned_away = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_heard_ = Clock::now();
    turned_away = TurnsAway(found.name);
    registering_[found.socket];
  }
  DialBack came;
  absl::Status accepted = absl::UnknownError(kTurnedAway);
  if (!turned_away) {
    Current candidate;
    candidate.endpoint = found.told_endpoint;
    candidate.socket = found.Endpoint();
    candidate.registry_socket = found.socket;
    accepted = Accept(found.name, std::move(candidate), &came);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  Discovery& record = registering_[found.socket];
  record.turned_away = turned_away;
  record.dialled = std::move(came.dialled);
  record.options_asked = std::move(came.asked);
  return accepted;
}

bool PlayedKubelet::IsWithdrawn(const RegistryAttempt& attempt) {
  const bool failed =
      (attempt.asked && !attempt.asked->ok()) || (attempt.told && !attempt.told->ok());
  return failed && changes_.WaitFor([&] { return !ReadSocketIdentity(attempt.plugin.socket); },
                                    kGoesAfterTheError);
}

void PlayedKubelet::Told(const RegistryAttempt& attempt) {
  // Of a plugin that was killed; its supervisor starts another one.
  if (!attempt.connected.ok()) return;
  const bool withdrawn = IsWithdrawn(attempt);
  const std::lock_guard<std::mutex> lock(mutex_);
  last_heard_ = Clock::now();
  const auto begun = registering_.extract(attempt.plugin.socket);
  Discovery record = DiscoveryOf(attempt, paths_.plugins_registry());
  record.stage = stage_;
  if (begun) {
    record.turned_away = begun.mapped().turned_away;
    record.dialled = begun.mapped().dialled;
    record.options_asked = begun.mapped().options_asked;
  }
  // Who did not take the news was never registered.
  const auto current = current_.find(record.resource);
  if (record.told && !record.told->ok() && current != current_.end() &&
      current->second.registry_socket == attempt.plugin.socket) {
    current_.erase(current);
  }
  // The end of a kubelet is no fault of the plugin's.
  const bool counts = accepting_ && !withdrawn && stage_ != Stage::kGrowth;
  if (counts) discoveries_.push_back(std::move(record));
  changes_.Notify();
}

absl::Status PlayedKubelet::Accept(const std::string& resource, Current candidate, DialBack* came) {
  const auto connection = std::make_shared<PluginConnection>(candidate.socket);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!accepting_) return absl::UnavailableError("the kubelet is stopping");
    candidate.number = ++newest_;
    open_[candidate.number] = connection;
  }
  const std::uint64_t number = candidate.number;
  const auto fail = [&](const std::string& message) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_.erase(number);
    // The end of a kubelet is no fault of the plugin's.
    if (!accepting_) came->dialled = came->asked = std::nullopt;
    return absl::UnknownError(message);
  };
  came->dialled = connection->Dial(kConnectBackWithin);
  if (!came->dialled->ok()) {
    return fail("failed to dial device plugin: context deadline exceeded");
  }
  came->asked = connection->GetOptions(kConnectBackWithin, &came->options);
  if (!came->asked->ok()) {
    return fail(absl::StrCat("failed to get device plugin options: ", came->asked->error));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!accepting_) {
    open_.erase(number);
    return absl::UnavailableError("the kubelet is stopping");
  }
  if (stage_ != Stage::kGrowth) {
    candidate.record = streams_.size();
    streams_.push_back({.stage = stage_, .resource = resource, .first_list_after = std::nullopt});
  }
  candidate.options = came->options;
  candidate.connection = connection;
  candidate.streaming = true;
  candidate.opened = Clock::now();
  const std::optional<std::size_t> record = candidate.record;
  current_[resource] = std::move(candidate);
  streaming_[number] = resource;
  receivers_.Run([this, resource, number, connection, record] {
    Receive(resource, number, record, connection);
  });
  return absl::OkStatus();
}

void PlayedKubelet::Receive(const std::string& resource, std::uint64_t number,
                            std::optional<std::size_t> record,
                            const std::shared_ptr<PluginConnection>& connection) {
  const TimePoint opened = Clock::now();
  connection->Watch([&](DeviceList devices) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const TimePoint now = last_heard_ = Clock::now();
    if (record) {
      Stream& stream = streams_[*record];
      if (!stream.first_list_after) stream.first_list_after = now - opened;
      stream.lists.push_back(devices);
    }
    const auto current = current_.find(resource);
    if (current != current_.end() && current->second.number == number) {
      if (!current->second.listed) current->second.listed_at = now;
      current->second.listed = true;
      current->second.devices = std::move(devices);
      ++current->second.lists;
    }
    changes_.Notify();
  });
  const bool ended_by_us = connection->closed();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (record) streams_[*record].watched = Clock::now() - opened;
  open_.erase(number);
  streaming_.erase(number);
  // A kubelet finds the connection by the resource's name: whichever that stands for now.
  const auto current = current_.find(resource);
  if (current != current_.end() && (!ended_by_us || current->second.number == number)) {
    Disconnect(&current->second);
  }
  changes_.Notify();
}

}  // namespace nodedevice::devicemanager::conformance
