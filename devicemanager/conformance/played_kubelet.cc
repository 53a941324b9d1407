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
    if (listener.ok()) {
      listener_ = *std::move(listener);
    } else {
      started = listener.status();
    }
  });
  return started;
}

void PlayedKubelet::Kill() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    accepting_ = false;
    DisconnectAll();
    changes_.Notify();
  }
  if (listener_) {
    OnLoop([this] { listener_.reset(); });
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

TimePoint PlayedKubelet::last_heard() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_heard_;
}

std::vector<Registration> PlayedKubelet::Registrations() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return registrations_;
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
    record.turned_away = turned_away_ && turned_away_->insert(resource).second;
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
    accepted = Accept(*request, socket, &record);
  }
  Record(std::move(record));
  if (accepted.ok()) return grpc::Status::OK;
  return {grpc::StatusCode::UNKNOWN, std::string(accepted.message())};
}

absl::Status PlayedKubelet::Accept(const v1beta1::RegisterRequest& request,
                                   const std::filesystem::path& socket, Registration* record) {
  const auto connection = std::make_shared<PluginConnection>(socket);
  std::uint64_t number = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!accepting_) return absl::UnavailableError("the kubelet is stopping");
    number = ++newest_;
    open_[number] = connection;
  }
  const auto fail = [&](const std::string& message) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_.erase(number);
    // The end of a kubelet is no fault of the plugin's.
    if (!accepting_) record->dialled = record->asked = std::nullopt;
    return absl::UnknownError(message);
  };
  record->dialled = connection->Dial(kConnectBackWithin);
  if (!record->dialled->ok()) {
    return fail("failed to dial device plugin: context deadline exceeded");
  }
  record->asked = connection->GetOptions(kConnectBackWithin, &record->options);
  if (!record->asked->ok()) {
    return fail(absl::StrCat("failed to get device plugin options: ", record->asked->error));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!accepting_) {
    open_.erase(number);
    return absl::UnavailableError("the kubelet is stopping");
  }
  std::optional<std::size_t> record_number;
  if (stage_ != Stage::kGrowth) {
    record_number = streams_.size();
    streams_.push_back(
        {.stage = stage_, .resource = request.resource_name(), .first_list_after = std::nullopt});
  }
  Current current;
  current.number = number;
  current.endpoint = request.endpoint();
  current.options = record->options;
  current.connection = connection;
  current.streaming = true;
  current.opened = Clock::now();
  current.record = record_number;
  current_[request.resource_name()] = std::move(current);
  streaming_[number] = request.resource_name();
  receivers_.Run([this, resource = request.resource_name(), number, connection, record_number] {
    Receive(resource, number, record_number, connection);
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
    Current& current = current_[resource];
    if (current.number == number) {
      if (!current.listed) current.listed_at = now;
      current.listed = true;
      current.devices = std::move(devices);
      ++current.lists;
    }
    changes_.Notify();
  });
  const bool ended_by_us = connection->closed();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (record) streams_[*record].watched = Clock::now() - opened;
  open_.erase(number);
  streaming_.erase(number);
  // A kubelet finds the connection by the resource's name: whichever that stands for now.
  Current& current = current_[resource];
  if (!ended_by_us || current.number == number) Disconnect(&current);
  changes_.Notify();
}

}  // namespace nodedevice::devicemanager::conformance
