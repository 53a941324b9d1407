// faulty-device-plugin: a device plugin that keeps every rule of a kubelet but those it is told to
// break, for tests of `device-manager conformance`.
//
//   faulty-device-plugin FOLDER RESOURCE [FAULT...]
//
// With "registry" among the faults it does not call Register but puts its socket into FOLDER, which
// then is plugins_registry, for the kubelet to find.
//
// It shares no code with our plugin or our Device Manager.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "lib/base/directory_watch.h"
#include "lib/base/event_loop.h"
#include "lib/kubelet/socket_identity.h"
#include "proto/deviceplugin.grpc.pb.h"
#include "proto/pluginregistration.grpc.pb.h"
#include "tests/support/unix_channel.h"

namespace nodedevice::testing {
namespace {

using Faults = std::set<std::string>;

constexpr std::chrono::milliseconds kCancelPoll{2};  // a cancelled call wakes nobody
constexpr std::chrono::milliseconds kTryAgain{50};
constexpr std::chrono::seconds kSlowLook{2};
// By a kubelet that does not come back; between the second try of one and the third.
constexpr std::chrono::milliseconds kDeserted{1500};

// What it says of itself to a kubelet that found its socket in plugins_registry.
class Introduction : public pluginregistration::Registration::Service {
 public:
  Introduction(std::filesystem::path folder, std::string resource, const Faults& faults)
      : folder_(std::move(folder)), resource_(std::move(resource)), faults_(faults) {}

  // While nobody is served.
  void MoveTo(std::filesystem::path socket) { socket_ = std::move(socket); }

 private:
  grpc::Status GetInfo(grpc::ServerContext* /*context*/,
                       const pluginregistration::InfoRequest* /*request*/,
                       pluginregistration::PluginInfo* response) override {
    if (faults_.contains("withdraws-once") && !withdrew_.exchange(true)) {
      std::filesystem::remove(socket_);
      return {grpc::StatusCode::UNAVAILABLE, "gone"};
    }
    if (faults_.contains("info-fails") || (faults_.contains("info-once") && told_)) {
      return {grpc::StatusCode::INTERNAL, "no name"};
    }
    response->set_type(faults_.contains("odd-type") ? "Toaster" : "DevicePlugin");
    response->set_name(resource_);
    response->add_supported_versions(faults_.contains("version") ? "v1alpha" : "v1beta1");
    if (faults_.contains("nowhere")) response->set_endpoint(folder_ / "nowhere.sock");
    return grpc::Status::OK;
  }

  grpc::Status NotifyRegistrationStatus(
      grpc::ServerContext* /*context*/, const pluginregistration::RegistrationStatus* /*request*/,
      pluginregistration::RegistrationStatusResponse* /*response*/) override {
    told_ = true;
    if (faults_.contains("deaf")) return {grpc::StatusCode::INTERNAL, "no ears"};
    return grpc::Status::OK;
  }

  const std::filesystem::path folder_;
  const std::string resource_;
  const Faults& faults_;
  std::filesystem::path socket_;
  std::atomic<bool> told_ = false;
  std::atomic<bool> withdrew_ = false;
};

// One generation of its server.
class Served : private v1beta1::DevicePlugin::Service {
 public:
  // `introduction`: served on the same socket; nullptr: nobody asks.
  Served(const std::string& socket, const Faults& faults, Introduction* introduction,
         std::function<void()> on_lost)
      : faults_(faults), on_lost_(std::move(on_lost)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    if (introduction != nullptr) builder.RegisterService(introduction);
    server_ = builder.BuildAndStart();
  }

  ~Served() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ending_ = true;
      changed_.notify_all();
    }
    server_->Shutdown();
  }

  int streams() const { return streams_; }

 private:
  bool Has(const char* fault) const { return faults_.contains(fault); }

  grpc::Status GetDevicePluginOptions(grpc::ServerContext* /*context*/,
                                      const v1beta1::Empty* /*request*/,
                                      v1beta1::DevicePluginOptions* response) override {
    if (Has("options-fail")) return {grpc::StatusCode::INTERNAL, "no options"};
    response->set_get_preferred_allocation_available(true);
    response->set_pre_start_required(true);
    return grpc::Status::OK;
  }

  v1beta1::ListAndWatchResponse List() const {
    v1beta1::ListAndWatchResponse list;
    const auto add = [&](const std::string& id, const std::string& health) {
      v1beta1::Device& device = *list.add_devices();
      device.set_id(id);
      device.set_health(health);
      device.mutable_topology()->add_nodes()->set_id(Has("numa") ? -1 : 0);
    };
    for (const char* id : {"one", "two", "three"}) add(id, "Healthy");
    add("broken", "Unhealthy");
    if (Has("duplicate-id")) add("one", "Healthy");
    if (Has("long-id")) add(std::string(64, 'x'), "Healthy");
    if (Has("odd-health")) add("four", "healthy");
    return list;
  }

  grpc::Status ListAndWatch(grpc::ServerContext* context, const v1beta1::Empty* /*request*/,
                            grpc::ServerWriter<v1beta1::ListAndWatchResponse>* writer) override {
    ++streams_;
    writer->Write(List());
    for (int i = 0; Has("repeats") && i < 3; ++i) writer->Write(List());
    std::unique_lock<std::mutex> lock(mutex_);
    while (!ending_ && !context->IsCancelled()) changed_.wait_for(lock, kCancelPoll);
    --streams_;
    if (!ending_ && !Has("heedless-of-cancel")) on_lost_();
    return grpc::Status::OK;
  }

  grpc::Status Allocate(grpc::ServerContext* /*context*/, const v1beta1::AllocateRequest* request,
                        v1beta1::AllocateResponse* response) override {
    if (Has("allocate-fails")) return {grpc::StatusCode::INTERNAL, "out of luck"};
    for (const auto& container : request->container_requests()) {
      auto& answer = *response->add_container_responses();
      std::string joined;
      for (const std::string& id : container.devices_ids()) {
        if (Has("allocate-crashes") && id == "two") std::_Exit(3);
        const bool known = id == "one" || id == "two" || id == "three";
        if (!known && !Has(id == "broken" ? "takes-unhealthy" : "takes-unknown")) {
          return {grpc::StatusCode::NOT_FOUND, "there is no healthy device " + id};
        }
        if (!known) continue;
        auto& device = *answer.add_devices();
        device.set_host_path((Has("relative-path") ? "dev/" : "/dev/") + id);
        device.set_container_path(Has("one-path") ? "/dev/thing" : "/dev/" + id);
        device.set_permissions(Has("no-permissions") ? "" : "rw");
        joined += id + ",";
      }
      if (Has("request-order")) (*answer.mutable_envs())["DEVICES"] = joined;
      if (Has("odd-env")) (*answer.mutable_envs())["A=B"] = "c";
      if (Has("odd-cdi")) answer.add_cdi_devices()->set_name("vendor.example/thing");
      if (Has("odd-annotation")) (*answer.mutable_annotations())[""] = "x";
    }
    if (Has("two-answers")) response->add_container_responses();
    if (Has("no-answer")) response->clear_container_responses();
    return grpc::Status::OK;
  }

  grpc::Status GetPreferredAllocation(grpc::ServerContext* /*context*/,
                                      const v1beta1::PreferredAllocationRequest* request,
                                      v1beta1::PreferredAllocationResponse* response) override {
    if (Has("preferred-fails")) return {grpc::StatusCode::INTERNAL, "no opinion"};
    for (const auto& container : request->container_requests()) {
      auto& answer = *response->add_container_responses();
      const auto& offered = container.available_deviceids();
      const auto& must = container.must_include_deviceids();
      if (Has("impossible-crashes") && container.allocation_size() > offered.size()) {
        std::_Exit(4);
      }
      std::vector<std::string> ids(offered.begin(), offered.end());
      if (!Has("first-offered")) std::sort(ids.begin(), ids.end());
      if (!Has("forgets-must")) {
        std::stable_partition(ids.begin(), ids.end(), [&](const std::string& id) {
          return std::find(must.begin(), must.end(), id) != must.end();
        });
      }
      std::size_t size = static_cast<std::size_t>(container.allocation_size());
      if (Has("too-few")) --size;
      ids.resize(std::min(ids.size(), size));
      for (const std::string& id : ids) answer.add_deviceids(id);
      if (Has("twice") && ids.size() > 1) answer.set_deviceids(1, answer.deviceids(0));
      if (Has("not-offered") && must.empty()) answer.set_deviceids(0, "elsewhere");
    }
    return grpc::Status::OK;
  }

  grpc::Status PreStartContainer(grpc::ServerContext* /*context*/,
                                 const v1beta1::PreStartContainerRequest* /*request*/,
                                 v1beta1::PreStartContainerResponse* /*response*/) override {
    return Has("pre-start-fails") ? grpc::Status(grpc::StatusCode::INTERNAL, "cannot reset")
                                  : grpc::Status::OK;
  }

  const Faults& faults_;
  const std::function<void()> on_lost_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::atomic<int> streams_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// Keeps it registered. Loop thread only.
class Keeper {
 public:
  Keeper(EventLoop& loop, std::filesystem::path folder, std::string resource, Faults faults)
      : loop_(loop),
        folder_(std::move(folder)),
        resource_(std::move(resource)),
        faults_(std::move(faults)),
        introduction_(folder_, resource_, faults_),
        watch_(
            loop, [this] { OnHint(); }, DirectoryWatch::Events::kNames),
        timer_(loop, [this] { Look(); }) {}

  void OnHint() {
    if (!faults_.contains("polls")) Look();
  }

  void Look() {
    // Before looking, so that nothing is missed.
    if (!watch_.Watch({folder_}).ok()) std::_Exit(5);
    timer_.After(faults_.contains("polls") ? Duration(kSlowLook) : kTryAgain);
    if (resting_ || (begun_ && faults_.contains("heedless"))) return;
    if (faults_.contains("registry")) {
      if (!IsInRegistry()) Serve(&introduction_);
      return;
    }
    const auto kubelet = ReadSocketIdentity(folder_ / "kubelet.sock");
    if (registered_ && kubelet == kubelet_ && IsSocketThere() && !lost_since_) return;
    if (!kubelet || !Connects(folder_ / "kubelet.sock").ok()) return;
    kubelet_ = kubelet;
    Begin();
  }

  bool IsSocketThere() const {
    return faults_.contains("heedless-of-socket") ||
           std::filesystem::exists(folder_ / socket_name_);
  }

  // A kubelet that restarts comes back by itself; one that only ended the stream does not.
  bool IsInRegistry() {
    if (!served_ || !IsSocketThere()) return false;
    if (served_->streams() > 0) lost_since_ = std::nullopt;
    return !lost_since_ || Clock::now() - *lost_since_ < kDeserted;
  }

  // On a new socket.
  void Serve(Introduction* introduction) {
    begun_ = true;
    served_.reset();
    lost_since_ = std::nullopt;
    socket_name_ = faults_.contains("fixed-name") ? "faulty.sock"
                                                  : "faulty-" + std::to_string(::getpid()) + "-" +
                                                        std::to_string(++generation_) + ".sock";
    introduction_.MoveTo(folder_ / socket_name_);
    served_ = std::make_unique<Served>(folder_ / socket_name_, faults_, introduction, [this] {
      loop_.Post([this] {
        lost_since_ = Clock::now();
        OnHint();
      });
    });
  }

  void Begin() {
    if (served_ && faults_.contains("leaks")) {
      for (int i = 0; i < 3; ++i) (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    Serve(nullptr);
    v1beta1::RegisterRequest request;
    request.set_version(faults_.contains("version") ? "v1alpha" : "v1beta1");
    request.set_endpoint(socket_name_);
    request.set_resource_name(resource_);
    request.mutable_options()->set_get_preferred_allocation_available(true);
    request.mutable_options()->set_pre_start_required(!faults_.contains("options-differ"));
    const auto stub = v1beta1::Registration::NewStub(UnixChannel(folder_ / "kubelet.sock"));
    grpc::ClientContext context;
    v1beta1::Empty response;
    registered_ = stub->Register(&context, request, &response).ok();
    if (registered_) return;
    if (faults_.contains("gives-up")) resting_ = true;
    if (faults_.contains("ends-when-refused")) std::_Exit(6);
  }

  void End() {
    if (faults_.contains("leaves-socket")) {
      // As an end without a word: what serves is not told.
      std::_Exit(0);
    }
    served_.reset();
    if (faults_.contains("exits-7")) std::_Exit(7);
    loop_.Stop();
  }

 private:
  EventLoop& loop_;
  const std::filesystem::path folder_;
  const std::string resource_;
  const Faults faults_;
  bool begun_ = false;
  bool registered_ = false;
  bool resting_ = false;
  std::optional<TimePoint> lost_since_;
  int generation_ = 0;
  std::string socket_name_ = "none";
  std::optional<SocketIdentity> kubelet_;
  Introduction introduction_;
  DirectoryWatch watch_;
  Timer timer_;
  std::unique_ptr<Served> served_;  // last: calls the keeper
};

int Main(int argc, char** argv) {
  if (argc < 3) return 2;
  BlockSignals({SIGTERM});
  EventLoop loop;
  const Faults faults(argv + 3, argv + argc);
  if (faults.contains("forks") && ::fork() == 0) {
    for (;;) ::pause();
  }
  Keeper keeper(loop, argv[1], argv[2], faults);
  const SignalWatch signals(loop, {SIGTERM}, [&](int) {
    if (!faults.contains("ignores-term")) keeper.End();
  });
  keeper.Look();
  loop.Run();
  return 0;
}

}  // namespace
}  // namespace nodedevice::testing

int main(int argc, char** argv) { return nodedevice::testing::Main(argc, argv); }
