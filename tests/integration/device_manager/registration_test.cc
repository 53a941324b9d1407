#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "devicemanager/checkpoint.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "lib/kubelet/socket_identity.h"
#include "tests/integration/device_manager/local_device_manager.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr char kResource[] = "example.com/a";

class RegistrationTest : public LocalDeviceManagerTest {
 protected:
  // The error of a Register call, which must have the code Unknown.
  std::string Refusal(const std::string& version, const std::string& endpoint,
                      const std::string& resource) {
    v1beta1::RegisterRequest request;
    request.set_version(version);
    request.set_endpoint(endpoint);
    request.set_resource_name(resource);
    const grpc::Status status = CallRegister(paths_.registration_socket(), request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNKNOWN);
    return status.error_message();
  }
};

TEST_F(RegistrationTest, APluginThatListsDevicesGivesCapacity) {
  FakePlugin plugin(Socket("a.sock"), {"x", "y"});
  const grpc::Status status = plugin.Register(kResource);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(Shows(kResource, {2, 2, true}));

  v1beta1::Device sick;
  sick.set_id("z");
  sick.set_health("healthy");  // not exactly "Healthy"
  plugin.SetDevices({sick});
  EXPECT_TRUE(Shows(kResource, {1, 0, true}));
}

TEST_F(RegistrationTest, AHundredThousandDevicesAreTaken) {
  std::vector<std::string> ids;
  for (int i = 0; i < 100'000; ++i) ids.push_back(absl::StrCat("device-", i));
  FakePlugin plugin(Socket("a.sock"), ids);
  ASSERT_TRUE(plugin.Register(kResource).ok());
  EXPECT_TRUE(Shows(kResource, {100'000, 100'000, true}));
  const devicemanager::Admission admission = Admit("one", kResource, 3);
  EXPECT_TRUE(admission.running());
  EXPECT_TRUE(devicemanager::DecodeCheckpoint(Checkpoint()).ok());
}

// 4 MiB, as gRPC has it in every language.
TEST_F(RegistrationTest, AListThatIsTooLongForAMessageEndsItsStreamAndNothingElse) {
  FakePlugin good(Socket("good.sock"), {"x"});
  ASSERT_TRUE(good.Register("example.com/good").ok());
  ASSERT_TRUE(Shows("example.com/good", {1, 1, true}));
  FakePlugin plugin(Socket("a.sock"), {"x", "y"});
  ASSERT_TRUE(plugin.Register(kResource).ok());
  ASSERT_TRUE(Shows(kResource, {2, 2, true}));
  plugin.SetHealthy(std::vector<std::string>(100'000, std::string(50, 'x')));
  EXPECT_TRUE(Shows(kResource, {2, 0, false}));
  EXPECT_TRUE(Has("example.com/good", {1, 1, true}));
}

TEST_F(RegistrationTest, AnotherApiVersionIsRefused) {
  EXPECT_EQ(Refusal("v1alpha1", "a.sock", kResource),
            "requested API version \"v1alpha1\" is not supported by kubelet. Supported version is "
            "[\"v1beta1\"]");
}

TEST_F(RegistrationTest, AnInvalidResourceNameIsRefused) {
  EXPECT_EQ(Refusal("v1beta1", "a.sock", "widget"), "the ResourceName \"widget\" is invalid");
  const std::string absurd(1000, '/');
  EXPECT_EQ(Refusal("v1beta1", "a.sock", absurd), "the ResourceName \"" + absurd + "\" is invalid");
}

TEST_F(RegistrationTest, ANameTooLongForAnAnswerIsRefusedAndServingGoesOn) {
  v1beta1::RegisterRequest request;
  request.set_version("v1beta1");
  request.set_resource_name(std::string(20'000, 'x'));
  EXPECT_FALSE(CallRegister(paths_.registration_socket(), request).ok());
  FakePlugin plugin(Socket("a.sock"), {"x"});
  EXPECT_TRUE(plugin.Register(kResource).ok());
}

TEST_F(RegistrationTest, APluginThatDoesNotListenIsRefusedAfterTheDialTimeout) {
  const std::string message = "failed to dial device plugin: context deadline exceeded";
  EXPECT_EQ(Refusal("v1beta1", "missing.sock", kResource), message);
  EXPECT_EQ(Refusal("v1beta1", "", kResource), message);
  EXPECT_EQ(Refusal("v1beta1", "../../../../../etc/passwd", kResource), message);
  EXPECT_EQ(Refusal("v1beta1", std::string(5000, 'x'), kResource), message);
  EXPECT_TRUE(
      server_->state().Read([](const auto& state) { return state.model.Resources().empty(); }));
}

TEST_F(RegistrationTest, APluginThatIsNotDialledIsRefusedAsIfItDidNotListen) {
  FakePlugin plugin(Socket("a.sock"), {"x"});
  server_->state().Change([](auto& state) { state.faults.refuse_dial = true; });
  EXPECT_EQ(Refusal("v1beta1", "a.sock", kResource),
            "failed to dial device plugin: context deadline exceeded");
  EXPECT_EQ(plugin.options_asked(), 0);
  server_->state().Change([](auto& state) { state.faults = {}; });
  EXPECT_TRUE(plugin.Register(kResource).ok());
}

TEST_F(RegistrationTest, APluginThatCannotTellItsOptionsIsRefused) {
  FakePlugin plugin(Socket("a.sock"), {"x"}, {.options_error = "not today"});
  const grpc::Status status = plugin.Register(kResource);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_EQ(status.error_message(),
            "failed to get device plugin options: rpc error: code = Unknown desc = not today");
}

TEST_F(RegistrationTest, BytesThatAreNoRequestAreRefusedAndServingGoesOn) {
  grpc::GenericStub stub(grpc::CreateChannel("unix:" + paths_.registration_socket().string(),
                                             grpc::InsecureChannelCredentials()));
  // Field 1 with invalid UTF-8, a length beyond the end, and noise.
  for (const std::string bytes : {"\x0a\x02\xc3\x28", "\x0a\x7f", "\xff\xff\xff\xff"}) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::Slice slice(bytes);
    grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    const auto call =
        stub.PrepareUnaryCall(&context, "/v1beta1.Registration/Register", request, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_FALSE(status.ok());
  }
  FakePlugin plugin(Socket("a.sock"), {"x"});
  EXPECT_TRUE(plugin.Register(kResource).ok());
  EXPECT_TRUE(Shows(kResource, {1, 1, true}));
}

TEST_F(RegistrationTest, TheEndOfTheStreamLeavesCapacityWithoutAllocatableDevices) {
  FakePlugin plugin(Socket("a.sock"), {"x", "y"});
  ASSERT_TRUE(plugin.Register(kResource).ok());
  ASSERT_TRUE(Shows(kResource, {2, 2, true}));
  plugin.EndStreams();
  EXPECT_TRUE(Shows(kResource, {2, 0, false}));

  ASSERT_TRUE(plugin.Register(kResource).ok());
  EXPECT_TRUE(Shows(kResource, {2, 2, true}));
}

TEST_F(RegistrationTest, AnotherPluginTakesTheResourceOverWhileTheOldStreamStaysOpen) {
  FakePlugin old_plugin(Socket("old.sock"), {"x", "y"});
  ASSERT_TRUE(old_plugin.Register(kResource).ok());
  ASSERT_TRUE(Shows(kResource, {2, 2, true}));
  FakePlugin new_plugin(Socket("new.sock"), {"1", "2", "3"});
  ASSERT_TRUE(new_plugin.Register(kResource).ok());
  ASSERT_TRUE(Shows(kResource, {3, 3, true}));
  EXPECT_EQ(old_plugin.cancelled_streams(), 0);

  old_plugin.SetHealthy({"x"});
  EXPECT_TRUE(Shows(kResource, {1, 1, true})) << "a stale stream overwrites the newer list";
}

TEST_F(RegistrationTest, TheEndOfTheOldStreamCancelsTheNewOne) {
  FakePlugin old_plugin(Socket("old.sock"), {"x"});
  ASSERT_TRUE(old_plugin.Register(kResource).ok());
  ASSERT_TRUE(Shows(kResource, {1, 1, true}));
  FakePlugin new_plugin(Socket("new.sock"), {"1", "2", "3"});
  ASSERT_TRUE(new_plugin.Register(kResource).ok());
  ASSERT_TRUE(Shows(kResource, {3, 3, true}));

  old_plugin.EndStreams();
  EXPECT_TRUE(Shows(kResource, {3, 0, false}));
  EXPECT_TRUE(WaitFor([&] { return new_plugin.cancelled_streams() == 1; }));

  // Registering again heals it; one that comes before the end of the older stream is known is
  // cancelled like that, and comes once more.
  EXPECT_TRUE(WaitFor([&] {
    return Has(kResource, {3, 3, true}) ||
           (new_plugin.Register(kResource).ok() && Has(kResource, {3, 3, true}));
  }));
}

TEST_F(RegistrationTest, ManyPluginsAtOnce) {
  std::vector<std::unique_ptr<FakePlugin>> plugins;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    const std::string name = "p" + std::to_string(i);
    auto& plugin = plugins.emplace_back(
        std::make_unique<FakePlugin>(Socket(name + ".sock"), std::vector<std::string>{name}));
    threads.emplace_back(
        [&plugin = *plugin, name] { EXPECT_TRUE(plugin.Register("example.com/" + name).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 16; ++i) {
    EXPECT_TRUE(Shows("example.com/p" + std::to_string(i), {1, 1, true}));
  }
}

TEST_F(RegistrationTest, EachListIsWrittenToTheCheckpointAndAStreamsEndIsNot) {
  FakePlugin plugin(Socket("a.sock"), {"x", "y"});
  ASSERT_TRUE(plugin.Register(kResource).ok());
  const auto registered = [&] {
    const auto checkpoint = devicemanager::DecodeCheckpoint(Checkpoint());
    return checkpoint.ok() ? checkpoint->registered : decltype(checkpoint->registered)();
  };
  const decltype(registered()) expected = {{kResource, {"x", "y"}}};
  EXPECT_TRUE(WaitFor([&] { return registered() == expected; }));
  plugin.EndStreams();
  ASSERT_TRUE(Shows(kResource, {2, 0, false}));
  EXPECT_EQ(registered(), expected);
}

TEST_F(RegistrationTest, ARestartDropsStreamsThenWipesSocketsAndOnlySockets) {
  FakePlugin plugin(Socket("a.sock"), {"x", "y"});
  ASSERT_TRUE(plugin.Register(kResource).ok());
  ASSERT_TRUE(Shows(kResource, {2, 2, true}));
  ASSERT_TRUE(WaitFor([&] { return !Checkpoint().empty(); }));
  std::ofstream(Socket("note.txt")) << "stays";
  const auto socket = ReadSocketIdentity(paths_.registration_socket());

  BeginRestart(std::chrono::milliseconds(300));
  EXPECT_EQ(ReadSocketIdentity(paths_.registration_socket()), socket) << "left as it was";
  EXPECT_TRUE(absl::IsUnavailable(Connects(paths_.registration_socket())))
      << Connects(paths_.registration_socket());
  EXPECT_TRUE(WaitFor([&] { return plugin.cancelled_streams() == 1; }));

  ASSERT_TRUE(WaitFor([&] { return Starts() == 2; }));
  EXPECT_TRUE(Connects(paths_.registration_socket()).ok());
  EXPECT_NE(ReadSocketIdentity(paths_.registration_socket()), socket);
  EXPECT_FALSE(std::filesystem::exists(Socket("a.sock")));
  EXPECT_TRUE(std::filesystem::exists(Socket("note.txt")));
  EXPECT_TRUE(Shows(kResource, {0, 0, false})) << "known, and nothing more";

  FakePlugin again(Socket("again.sock"), {"x", "y"});
  ASSERT_TRUE(again.Register(kResource).ok());
  EXPECT_TRUE(Shows(kResource, {2, 2, true}));
}

TEST_F(RegistrationTest, ARemovedFolderIsNotHealed) {
  FakePlugin plugin(dir_.Under("elsewhere.sock"), {"x"});
  std::filesystem::remove_all(paths_.device_plugins());
  EXPECT_FALSE(plugin.Register(kResource).ok());
  EXPECT_FALSE(std::filesystem::exists(paths_.device_plugins()));
}

}  // namespace
}  // namespace nodedevice::testing
