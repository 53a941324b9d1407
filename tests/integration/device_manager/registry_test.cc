// Registration by a socket in plugins_registry.

#include <optional>

#include "gmock/gmock.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "proto/pluginregistration.grpc.pb.h"
#include "tests/integration/device_manager/local_device_manager.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kResource[] = "example.com/a";

// Serves on a socket what a plugin says of itself, and remembers what it was told.
class RegistrySocket : private pluginregistration::Registration::Service {
 public:
  RegistrySocket(const std::filesystem::path& socket, std::string endpoint,
                 std::string name = kResource, std::string version = "v1beta1") {
    info_.set_type("DevicePlugin");
    info_.set_name(std::move(name));
    info_.set_endpoint(std::move(endpoint));
    info_.add_supported_versions(std::move(version));
    std::filesystem::create_directories(socket.parent_path());
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket.string(), grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~RegistrySocket() override { server_->Shutdown(std::chrono::system_clock::now()); }

  int times_told() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return times_told_;
  }
  pluginregistration::RegistrationStatus told() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return told_;
  }

 private:
  grpc::Status GetInfo(grpc::ServerContext*, const pluginregistration::InfoRequest*,
                       pluginregistration::PluginInfo* response) override {
    *response = info_;
    return grpc::Status::OK;
  }
  grpc::Status NotifyRegistrationStatus(grpc::ServerContext*,
                                        const pluginregistration::RegistrationStatus* request,
                                        pluginregistration::RegistrationStatusResponse*) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    told_ = *request;
    ++times_told_;
    return grpc::Status::OK;
  }

  pluginregistration::PluginInfo info_;
  mutable std::mutex mutex_;
  int times_told_ = 0;
  pluginregistration::RegistrationStatus told_;
  std::unique_ptr<grpc::Server> server_;
};

class RegistryTest : public LocalDeviceManagerTest {
 protected:
  std::filesystem::path Registry(const std::string& name) const {
    return paths_.plugins_registry() / name;
  }

  std::optional<FakePlugin> plugin_{std::in_place, dir_.Under("elsewhere.sock"),
                                    std::vector<std::string>{"x", "y"}};
};

TEST_F(RegistryTest, ASocketRegistersAndIsToldAndItsRemovalDeregisters) {
  std::optional<RegistrySocket> socket(std::in_place, Registry("a-reg.sock"),
                                       dir_.Under("elsewhere.sock"));
  EXPECT_TRUE(Shows(kResource, {2, 2, true}));
  ASSERT_TRUE(WaitFor([&] { return socket->times_told() == 1; }));
  EXPECT_TRUE(socket->told().plugin_registered());
  EXPECT_EQ(socket->told().error(), "");

  socket.reset();  // removes its file
  EXPECT_TRUE(Shows(kResource, {2, 0, false})) << "the grace has begun";
  EXPECT_TRUE(WaitFor([&] { return plugin_->cancelled_streams() == 1; }));
}

TEST_F(RegistryTest, ASocketInAFolderIsFoundToo) {
  const RegistrySocket socket(Registry("vendor/a-reg.sock"), dir_.Under("elsewhere.sock"));
  EXPECT_TRUE(Shows(kResource, {2, 2, true}));
}

TEST_F(RegistryTest, ARestartFindsItAgainWithoutThePluginsHelp) {
  const RegistrySocket socket(Registry("a-reg.sock"), dir_.Under("elsewhere.sock"));
  ASSERT_TRUE(Shows(kResource, {2, 2, true}));
  ASSERT_TRUE(WaitFor([&] { return socket.times_told() == 1; }));
  BeginRestart(Duration::zero());
  ASSERT_TRUE(WaitFor([&] { return Starts() == 2; }));
  EXPECT_TRUE(WaitFor([&] { return socket.times_told() == 2; }));
  EXPECT_TRUE(Shows(kResource, {2, 2, true}));
}

TEST_F(RegistryTest, AnotherVersionIsToldWhyItIsRefused) {
  const RegistrySocket socket(Registry("a-reg.sock"), dir_.Under("elsewhere.sock"), kResource,
                              "v2");
  ASSERT_TRUE(WaitFor([&] { return socket.times_told() == 1; }));
  EXPECT_FALSE(socket.told().plugin_registered());
  EXPECT_THAT(socket.told().error(), HasSubstr("manager version, v1beta1, is not among"));
}

TEST_F(RegistryTest, APluginThatDoesNotAnswerIsTriedAgain) {
  const RegistrySocket socket(Registry("a-reg.sock"), dir_.Under("late.sock"));
  ASSERT_TRUE(WaitFor([&] { return socket.times_told() == 1; }));
  EXPECT_EQ(socket.told().error(),
            "RegisterPlugin error -- plugin registration failed with err: failed to dial device "
            "plugin: context deadline exceeded");
  FakePlugin late(dir_.Under("late.sock"), {"z"});
  EXPECT_TRUE(Shows(kResource, {1, 1, true}));
}

TEST_F(RegistryTest, HiddenNamesAndFilesAreLeftAlone) {
  const RegistrySocket hidden(Registry(".a-reg.sock"), dir_.Under("elsewhere.sock"));
  dir_.Write("plugins_registry/note.txt", "not a socket");
  const RegistrySocket other(Registry("b-reg.sock"), dir_.Under("elsewhere.sock"), "example.com/b");
  ASSERT_TRUE(Shows("example.com/b", {2, 2, true}));
  EXPECT_EQ(hidden.times_told(), 0);
}

}  // namespace
}  // namespace nodedevice::testing
