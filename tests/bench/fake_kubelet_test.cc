#include "tests/bench/fake_kubelet.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "lib/kubelet/socket_identity.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

using std::chrono::seconds;

TimePoint Soon() { return Clock::now() + seconds(30); }

// The least a plugin can be: one device, listed once on each stream.
class OneDevicePlugin : public v1beta1::DevicePlugin::CallbackService {
 public:
  explicit OneDevicePlugin(const std::filesystem::path& socket) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket.native(), grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~OneDevicePlugin() override { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::ServerUnaryReactor* GetDevicePluginOptions(grpc::CallbackServerContext* context,
                                                   const v1beta1::Empty*,
                                                   v1beta1::DevicePluginOptions* answer) override {
    answer->set_pre_start_required(true);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<v1beta1::ListAndWatchResponse>* ListAndWatch(
      grpc::CallbackServerContext*, const v1beta1::Empty*) override {
    class Stream : public grpc::ServerWriteReactor<v1beta1::ListAndWatchResponse> {
     public:
      Stream() {
        v1beta1::Device* device = list_.add_devices();
        device->set_id("one");
        device->set_health("Healthy");
        StartWrite(&list_);
      }
      void OnCancel() override { Finish(grpc::Status::CANCELLED); }
      void OnDone() override { delete this; }

     private:
      v1beta1::ListAndWatchResponse list_;
    };
    return new Stream;
  }

 private:
  std::unique_ptr<grpc::Server> server_;
};

class FakeKubeletTest : public ::testing::Test {
 protected:
  FakeKubeletTest() { std::filesystem::create_directories(paths_.device_plugins()); }

  grpc::Status Register(const std::string& endpoint, const std::string& version = "v1beta1") {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub = v1beta1::Registration::NewStub(
        grpc::CreateCustomChannel("unix:" + paths_.registration_socket().native(),
                                  grpc::InsecureChannelCredentials(), arguments));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(30));
    v1beta1::RegisterRequest request;
    request.set_version(version);
    request.set_endpoint(endpoint);
    request.set_resource_name("example.com/one");
    v1beta1::Empty empty;
    return stub->Register(&context, request, &empty);
  }

  const TempDir dir_;
  const KubeletPaths paths_{dir_.path()};
  FakeKubelet kubelet_{paths_};
};

TEST_F(FakeKubeletTest, APluginThatRegistersIsDialledBackAndItsListIsRead) {
  ASSERT_TRUE(kubelet_.Start().ok());
  const OneDevicePlugin plugin(paths_.device_plugins() / "one.sock");
  const TimePoint before = Clock::now();
  ASSERT_TRUE(Register("one.sock").ok());
  const auto registered = kubelet_.Await<Registered>(Soon());
  ASSERT_TRUE(registered);
  EXPECT_EQ(registered->resource, "example.com/one");
  EXPECT_EQ(registered->endpoint, "one.sock");
  const auto listed = kubelet_.Await<Listed>(Soon());
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->resource, "example.com/one");
  ASSERT_EQ(listed->list.devices_size(), 1);
  EXPECT_EQ(listed->list.devices(0).id(), "one");
  EXPECT_LE(before, registered->at);
  EXPECT_LE(registered->at, listed->at);
}

TEST_F(FakeKubeletTest, RegisteringASocketThatDoesNotAnswerFailsAndIsRecorded) {
  ASSERT_TRUE(kubelet_.Start().ok());
  grpc::Status answer;
  std::thread plugin([&] { answer = Register("nobody.sock"); });
  ASSERT_TRUE(kubelet_.Await<Registered>(Soon()));
  kubelet_.StopListening();  // gives up the dialling
  plugin.join();
  EXPECT_FALSE(answer.ok());
  EXPECT_TRUE(kubelet_.Await<DialBackFailed>(Soon()));
}

TEST_F(FakeKubeletTest, AnUnknownApiVersionIsRefused) {
  ASSERT_TRUE(kubelet_.Start().ok());
  EXPECT_THAT(Register("one.sock", "v9").error_message(), ::testing::HasSubstr("v9"));
}

TEST_F(FakeKubeletTest, ItRemovesThePluginsSocketsWhenItStarts) {
  const OneDevicePlugin plugin(paths_.device_plugins() / "one.sock");
  dir_.Write("device-plugins/kept", "");
  ASSERT_TRUE(kubelet_.Start().ok());
  EXPECT_FALSE(std::filesystem::exists(paths_.device_plugins() / "one.sock"));
  EXPECT_TRUE(std::filesystem::exists(paths_.device_plugins() / "kept"));
  EXPECT_TRUE(Connects(paths_.registration_socket()).ok());
}

TEST_F(FakeKubeletTest, AStreamOutlivesTheListenerUntilItIsClosed) {
  ASSERT_TRUE(kubelet_.Start().ok());
  const OneDevicePlugin old_plugin(paths_.device_plugins() / "old.sock");
  ASSERT_TRUE(Register("old.sock").ok());
  ASSERT_TRUE(kubelet_.Await<Listed>(Soon()));

  kubelet_.StopListening();
  EXPECT_FALSE(std::filesystem::exists(paths_.registration_socket()));
  ASSERT_TRUE(kubelet_.Start().ok());
  const OneDevicePlugin new_plugin(paths_.device_plugins() / "new.sock");
  ASSERT_TRUE(Register("new.sock").ok());
  ASSERT_TRUE(kubelet_.Await<Listed>(Soon()));

  kubelet_.CloseStreams(FakeKubelet::Streams::kOfEarlierStarts);
  EXPECT_TRUE(kubelet_.Await<StreamEnded>(Soon()));
  EXPECT_FALSE(kubelet_.Next(Clock::now()));  // the new stream goes on
  kubelet_.CloseStreams(FakeKubelet::Streams::kAll);
  EXPECT_TRUE(kubelet_.Await<StreamEnded>(Soon()));
}

TEST_F(FakeKubeletTest, ThePluginsDeathEndsItsStream) {
  ASSERT_TRUE(kubelet_.Start().ok());
  auto plugin = std::make_unique<OneDevicePlugin>(paths_.device_plugins() / "one.sock");
  ASSERT_TRUE(Register("one.sock").ok());
  ASSERT_TRUE(kubelet_.Await<Listed>(Soon()));
  plugin.reset();
  EXPECT_TRUE(kubelet_.Await<StreamEnded>(Soon()));
}

TEST_F(FakeKubeletTest, CallsGoToThePluginOverAConnectionOfTheCaller) {
  const OneDevicePlugin plugin(paths_.device_plugins() / "one.sock");
  const auto stub = kubelet_.Dial("one.sock");
  grpc::ClientContext context;
  v1beta1::DevicePluginOptions options;
  ASSERT_TRUE(stub->GetDevicePluginOptions(&context, v1beta1::Empty(), &options).ok());
  EXPECT_TRUE(options.pre_start_required());
}

}  // namespace
}  // namespace nodedevice::testing
