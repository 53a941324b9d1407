// Registration by a socket in plugins_registry.

#include <optional>

#include "gmock/gmock.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "tests/integration/device_manager/local_device_manager.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kResource[] = "example.com/a";

pluginregistration::PluginInfo Info(std::string endpoint, std::string name, std::string version) {
  pluginregistration::PluginInfo info;
  info.set_type("DevicePlugin");
  info.set_name(std::move(name));
  info.set_endpoint(std::move(endpoint));
  info.add_supported_versions(std::move(version));
  return info;
}

// A socket in plugins_registry beside the plugin's own.
class RegistrySocket {
 public:
  RegistrySocket(const std::filesystem::path& socket, std::string endpoint,
                 std::string name = kResource, std::string version = "v1beta1")
      : registration_(Info(std::move(endpoint), std::move(name), std::move(version))) {
    std::filesystem::create_directories(socket.parent_path());
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket.string(), grpc::InsecureServerCredentials());
    builder.RegisterService(&registration_);
    server_ = builder.BuildAndStart();
  }
  ~RegistrySocket() { server_->Shutdown(std::chrono::system_clock::now()); }
  RegistrySocket(const RegistrySocket&) = delete;
  RegistrySocket& operator=(const RegistrySocket&) = delete;

  int times_told() const { return registration_.times_told(); }
  pluginregistration::RegistrationStatus told() const { return registration_.last_told(); }

 private:
  FakeRegistration registration_;
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
