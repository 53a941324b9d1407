#include "tests/bench/fake_kubelet.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "lib/kubelet/socket_identity.h"

namespace nodedevice::testing {
namespace {

// How long the kubelet tries to reach a plugin that registers.
constexpr std::chrono::seconds kDialBackLimit{10};

std::unique_ptr<v1beta1::DevicePlugin::Stub> DialSocket(const std::filesystem::path& socket) {
  grpc::ChannelArguments arguments;
  // A connection of its own each time: a new plugin may listen under the name of a dead one, whose
  // connection must not be reused.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return v1beta1::DevicePlugin::NewStub(grpc::CreateCustomChannel(
      "unix:" + socket.native(), grpc::InsecureChannelCredentials(), arguments));
}

absl::Status RemoveSockets(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.symlink_status(error).type() == std::filesystem::file_type::socket) {
      std::filesystem::remove(entry.path(), error);
    }
    if (error) break;
  }
  if (!error) return absl::OkStatus();
  return ErrnoStatus(error.value(), absl::StrCat("removing the sockets of ", folder.native()));
}

}  // namespace

// One plugin that registered: the question for its options, then its stream on a thread of its own.
class FakeKubelet::PluginConnection {
 public:
  PluginConnection(FakeKubelet& kubelet, std::string resource, const std::string& endpoint,
                   int start)
      : kubelet_(kubelet),
        resource_(std::move(resource)),
        start_(start),
        stub_(kubelet.Dial(endpoint)) {}
  ~PluginConnection() {
    if (reader_.joinable()) reader_.join();
  }

  int start() const { return start_; }
  const std::string& resource() const { return resource_; }

  grpc::Status AskForOptions() {
    options_context_.set_wait_for_ready(true);
    options_context_.set_deadline(std::chrono::system_clock::now() + kDialBackLimit);
    v1beta1::DevicePluginOptions options;
    return stub_->GetDevicePluginOptions(&options_context_, v1beta1::Empty(), &options);
  }

  void FollowStream() {
    reader_ = std::thread([this] {
      const auto stream = stub_->ListAndWatch(&stream_context_, v1beta1::Empty());
      v1beta1::ListAndWatchResponse list;
      while (stream->Read(&list)) {
        kubelet_.Record(Listed{Clock::now(), resource_, std::move(list)});
        list.Clear();
      }
      const TimePoint now = Clock::now();
      kubelet_.Finish(this, StreamEnded{now, resource_, stream->Finish().error_message()});
    });
  }

  // From any thread.
  void CancelQuestion() { options_context_.TryCancel(); }
  void Cancel() {
    CancelQuestion();
    stream_context_.TryCancel();
  }

 private:
  FakeKubelet& kubelet_;
  const std::string resource_;
  const int start_;  // under which Start() it registered
  const std::unique_ptr<v1beta1::DevicePlugin::Stub> stub_;
  grpc::ClientContext options_context_;
  grpc::ClientContext stream_context_;
  std::thread reader_;
};

class FakeKubelet::RegistrationService : public v1beta1::Registration::Service {
 public:
  explicit RegistrationService(FakeKubelet& kubelet) : kubelet_(kubelet) {}

  grpc::Status Register(grpc::ServerContext*, const v1beta1::RegisterRequest* request,
                        v1beta1::Empty*) override {
    const TimePoint now = Clock::now();
    if (request->version() != "v1beta1") {
      return {grpc::StatusCode::UNKNOWN, "unsupported API version '" + request->version() + "'"};
    }
    kubelet_.Record(Registered{now, request->resource_name(), request->endpoint()});
    const auto connection = kubelet_.Remember(request->resource_name(), request->endpoint());
    const grpc::Status options = connection->AskForOptions();
    if (options.ok()) {
      connection->FollowStream();
      return grpc::Status::OK;
    }
    kubelet_.Finish(connection.get(),
                    DialBackFailed{Clock::now(), connection->resource(), options.error_message()});
    return {grpc::StatusCode::UNKNOWN, "failed to dial device plugin: " + options.error_message()};
  }

 private:
  FakeKubelet& kubelet_;
};

FakeKubelet::FakeKubelet(KubeletPaths paths)
    : paths_(std::move(paths)), service_(std::make_unique<RegistrationService>(*this)) {}

FakeKubelet::~FakeKubelet() {
  StopListening();
  CloseStreams(Streams::kAll);
}

absl::Status FakeKubelet::Start() {
  DestroyFinished();
  std::error_code error;
  std::filesystem::create_directories(paths_.device_plugins(), error);
  if (error) return ErrnoStatus(error.value(), paths_.device_plugins().native());
  RETURN_IF_ERROR(RemoveSockets(paths_.device_plugins()));
  RETURN_IF_ERROR(CheckSocketPathLength(paths_.registration_socket()));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++starts_;
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + paths_.registration_socket().native(),
                           grpc::InsecureServerCredentials());
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  if (server_ != nullptr) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", paths_.registration_socket().native()));
}

void FakeKubelet::StopListening() {
  if (server_ == nullptr) return;
  // The server waits for its answers, and they for the plugins'.
  for (const auto& connection : Connections(Streams::kAll)) connection->CancelQuestion();
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

void FakeKubelet::CloseStreams(Streams which) {
  DestroyFinished();
  const std::vector<std::shared_ptr<PluginConnection>> closing = Connections(which);
  for (const auto& connection : closing) connection->Cancel();
  // gRPC ends every cancelled call, so this wait is short and needs no deadline.
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] {
    return std::find_first_of(connections_.begin(), connections_.end(), closing.begin(),
                              closing.end()) == connections_.end();
  });
}

std::vector<std::shared_ptr<FakeKubelet::PluginConnection>> FakeKubelet::Connections(
    Streams which) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<PluginConnection>> chosen;
  for (const auto& connection : connections_) {
    if (which == Streams::kAll || connection->start() < starts_) chosen.push_back(connection);
  }
  return chosen;
}

std::shared_ptr<FakeKubelet::PluginConnection> FakeKubelet::Remember(const std::string& resource,
                                                                     const std::string& endpoint) {
  const std::lock_guard<std::mutex> lock(mutex_);
  connections_.push_back(std::make_shared<PluginConnection>(*this, resource, endpoint, starts_));
  return connections_.back();
}

std::optional<KubeletEvent> FakeKubelet::Next(TimePoint deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!changed_.wait_until(lock, deadline, [this] { return !events_.empty(); })) {
    return std::nullopt;
  }
  KubeletEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void FakeKubelet::DropEvents() {
  const std::lock_guard<std::mutex> lock(mutex_);
  events_.clear();
}

std::unique_ptr<v1beta1::DevicePlugin::Stub> FakeKubelet::Dial(const std::string& endpoint) const {
  return DialSocket(paths_.device_plugins() / endpoint);
}

void FakeKubelet::Record(KubeletEvent event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void FakeKubelet::Finish(const PluginConnection* connection, KubeletEvent last_event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  events_.push_back(std::move(last_event));
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& other) { return other.get() == connection; });
  if (found != connections_.end()) {
    finished_.push_back(std::move(*found));
    connections_.erase(found);
  }
  changed_.notify_all();
}

void FakeKubelet::DestroyFinished() {
  std::vector<std::shared_ptr<PluginConnection>> finished;  // outlives the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  finished.swap(finished_);
}

}  // namespace nodedevice::testing
