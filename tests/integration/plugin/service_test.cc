// The plugin's server on a real socket, with the announcement set by hand.
#include "plugin/rpc_server.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Waits for a fact that gRPC's threads bring about.
template <typename T>
class Awaited {
 public:
  void Set(T value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  bool WaitFor(std::size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return values_.size() >= count; });
  }
  T Last() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return values_.back();
  }
  bool empty() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return values_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

class ServiceTest : public ::testing::Test {
 protected:
  explicit ServiceTest(PrepareDevices prepare = {}) : host_(node_.path()), board_(1) {
    spec_.name = "a";
    spec_.resource_name = "example.com/a";
    auto opened = RpcServer::Open(node_.path() / "s",
                                  {.answers = Answers({.spec = spec_,
                                                       .host = host_,
                                                       .board = board_,
                                                       .stats = stats_,
                                                       .on_answered = [] {},
                                                       .on_device_missing = [this] { ++missing_; },
                                                       .prepare = std::move(prepare)}),
                                   .board = board_,
                                   .stream = {.on_opened = [this] { opened_.Set(true); },
                                              .on_closed = [this] { closed_.Set(true); },
                                              .on_list_sent = [](bool) {}}});
    EXPECT_TRUE(opened.ok()) << opened.status();
    server_ = *std::move(opened);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1beta1::DevicePlugin::NewStub(grpc::CreateCustomChannel(
        "unix://" + (node_.path() / "s").string(), grpc::InsecureChannelCredentials(), arguments));
  }
  ~ServiceTest() override { board_.CloseStreams(); }

  void Announce(const std::vector<std::string>& names) {
    Announcement announcement;
    for (const std::string& name : names) {
      announcement.devices[name].nodes = {{"/dev/" + name, "", "rw"}};
    }
    board_.Publish(std::move(announcement));
  }
  grpc::Status PreStart(const std::vector<std::string>& ids) {
    grpc::ClientContext context;
    v1beta1::PreStartContainerRequest request;
    for (const std::string& id : ids) request.add_devices_ids(id);
    v1beta1::PreStartContainerResponse reply;
    return stub_->PreStartContainer(&context, request, &reply);
  }
  static std::vector<std::string> Ids(const v1beta1::ListAndWatchResponse& list) {
    std::vector<std::string> ids;
    for (const auto& device : list.devices()) ids.push_back(device.id());
    return ids;
  }

  testing::TempDir node_;
  HostRoot host_;
  PluginSpec spec_;
  RpcStats stats_;
  Awaited<bool> opened_;
  Awaited<bool> closed_;
  std::atomic<int> missing_ = 0;
  DeviceBoard board_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<v1beta1::DevicePlugin::Stub> stub_;
};

TEST_F(ServiceTest, ADeviceThatVanishedSinceTheScanIsRefusedAndLookedFor) {
  node_.MakeNode("dev/a");
  Announce({"a"});
  const auto allocate = [this](v1beta1::AllocateResponse* reply) {
    grpc::ClientContext context;
    v1beta1::AllocateRequest request;
    request.add_container_requests()->add_devices_ids("a");
    return stub_->Allocate(&context, request, reply);
  };
  v1beta1::AllocateResponse reply;
  ASSERT_TRUE(allocate(&reply).ok());
  EXPECT_EQ(reply.container_responses(0).devices(0).host_path(), "/dev/a");
  EXPECT_EQ(missing_, 0);

  node_.Remove("dev/a");
  const grpc::Status refused = allocate(&reply);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(refused.error_message(),
              HasSubstr("/dev/a vanished; its device is being reported as unhealthy"));
  EXPECT_EQ(missing_, 1);

  node_.MakeNode("dev/a");
  EXPECT_TRUE(allocate(&reply).ok());
}

TEST_F(ServiceTest, OptionsAskForPreferredAllocationOnly) {
  grpc::ClientContext context;
  v1beta1::DevicePluginOptions options;
  ASSERT_TRUE(stub_->GetDevicePluginOptions(&context, {}, &options).ok());
  EXPECT_TRUE(options.get_preferred_allocation_available());
  EXPECT_FALSE(options.pre_start_required());
}

TEST_F(ServiceTest, PreferredAllocationAnswersEachContainer) {
  Announce({"a2", "a10", "a1"});
  grpc::ClientContext context;
  v1beta1::PreferredAllocationRequest request;
  auto* container = request.add_container_requests();
  for (const char* id : {"a10", "a2", "a1"}) container->add_available_deviceids(id);
  container->set_allocation_size(2);
  v1beta1::PreferredAllocationResponse reply;
  ASSERT_TRUE(stub_->GetPreferredAllocation(&context, request, &reply).ok());
  ASSERT_EQ(reply.container_responses_size(), 1);
  EXPECT_THAT(reply.container_responses(0).deviceids(), ElementsAre("a1", "a2"));
}

TEST_F(ServiceTest, PreStartContainerChecksThatTheDevicesAreThere) {
  node_.MakeNode("dev/a");
  Announce({"a"});
  EXPECT_TRUE(PreStart({"a"}).ok());
  node_.Remove("dev/a");
  EXPECT_FALSE(PreStart({"a"}).ok());
}

// A service whose devices are made ready by the test, while the kubelet waits.
class PreparingServiceTest : public ServiceTest {
 protected:
  struct Asked {
    std::set<std::string> ids;
    Answers::Done done;
  };

  PreparingServiceTest()
      : ServiceTest([this](std::set<std::string> ids, Answers::Done done) {
          asked_.Set({std::move(ids), std::move(done)});
        }) {}

  // A kubelet that calls PreStartContainer, and what it got in the end.
  std::future<grpc::Status> PreStartAside(const std::vector<std::string>& ids) {
    return std::async(std::launch::async, [this, ids] { return PreStart(ids); });
  }
  Asked AskedLast() { return asked_.WaitFor(1) ? asked_.Last() : Asked{}; }

  Awaited<Asked> asked_;
};

TEST_F(PreparingServiceTest, OptionsAskForPreStartContainer) {
  grpc::ClientContext context;
  v1beta1::DevicePluginOptions options;
  ASSERT_TRUE(stub_->GetDevicePluginOptions(&context, {}, &options).ok());
  EXPECT_TRUE(options.get_preferred_allocation_available());
  EXPECT_TRUE(options.pre_start_required());
}

TEST_F(PreparingServiceTest, AllocateDoesNotWaitForNodesThatComeLater) {
  Announce({"a"});
  grpc::ClientContext context;
  v1beta1::AllocateRequest request;
  request.add_container_requests()->add_devices_ids("a");
  v1beta1::AllocateResponse reply;
  ASSERT_TRUE(stub_->Allocate(&context, request, &reply).ok());
  EXPECT_EQ(reply.container_responses(0).devices(0).host_path(), "/dev/a");
}

TEST_F(PreparingServiceTest, PreStartContainerIsAnsweredWhenTheDevicesAreReady) {
  Announce({"a", "b"});
  auto answer = PreStartAside({"b", "a"});
  const Asked asked = AskedLast();
  EXPECT_THAT(asked.ids, ElementsAre("a", "b"));
  // Others are served meanwhile.
  grpc::ClientContext context;
  v1beta1::DevicePluginOptions options;
  EXPECT_TRUE(stub_->GetDevicePluginOptions(&context, {}, &options).ok());
  node_.MakeNode("dev/a");
  node_.MakeNode("dev/b");
  asked.done(absl::OkStatus());
  EXPECT_TRUE(answer.get().ok());
}

TEST_F(PreparingServiceTest, ANodeThatDidNotComeIsAFailure) {
  Announce({"a"});
  auto answer = PreStartAside({"a"});
  AskedLast().done(absl::OkStatus());
  EXPECT_EQ(answer.get().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(PreparingServiceTest, WhyADeviceIsNotReadyIsTheAnswer) {
  Announce({"a"});
  auto answer = PreStartAside({"a"});
  AskedLast().done(absl::FailedPreconditionError("the host needs it"));
  const grpc::Status status = answer.get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "the host needs it");
}

TEST_F(PreparingServiceTest, UnknownDevicesAreRefusedBeforeAnythingIsDone) {
  Announce({"a"});
  EXPECT_FALSE(PreStart({"b"}).ok());
  EXPECT_TRUE(asked_.empty());
}

TEST_F(PreparingServiceTest, AServerThatEndsOwesNoAnswer) {
  Announce({"a"});
  auto answer = PreStartAside({"a"});
  const Asked asked = AskedLast();
  server_.reset();
  EXPECT_EQ(answer.get().error_code(), grpc::StatusCode::UNAVAILABLE);
  asked.done(absl::OkStatus());  // too late, and harmless
}

TEST_F(ServiceTest, TheStreamSendsTheListAndThenChanges) {
  Announce({"a"});
  grpc::ClientContext context;
  auto stream = stub_->ListAndWatch(&context, {});
  v1beta1::ListAndWatchResponse list;
  ASSERT_TRUE(stream->Read(&list));
  EXPECT_THAT(Ids(list), ElementsAre("a"));
  Announce({"a", "b"});
  ASSERT_TRUE(stream->Read(&list));
  EXPECT_THAT(Ids(list), ElementsAre("a", "b"));
  context.TryCancel();
  EXPECT_TRUE(closed_.WaitFor(1));
}

TEST_F(ServiceTest, AWithdrawalReachesTheReaderBeforeTheEndOfTheStream) {
  Announce({"a"});
  grpc::ClientContext context;
  auto stream = stub_->ListAndWatch(&context, {});
  v1beta1::ListAndWatchResponse list;
  ASSERT_TRUE(stream->Read(&list));
  Announcement nothing;
  nothing.withdrawn = true;
  board_.Publish(std::move(nothing));
  board_.CloseStreams();
  ASSERT_TRUE(stream->Read(&list));
  EXPECT_EQ(list.devices_size(), 0);
  EXPECT_FALSE(stream->Read(&list));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ServiceTest, ASlowReaderGetsFewerListsButTheNewest) {
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("device-number-" + std::to_string(i));
  Announce(names);
  grpc::ClientContext context;
  auto stream = stub_->ListAndWatch(&context, {});
  ASSERT_TRUE(opened_.WaitFor(1));
  constexpr int kChanges = 300;
  for (int i = 0; i < kChanges; ++i) {
    names.back() = "changed-" + std::to_string(i);
    Announce(names);
  }
  v1beta1::ListAndWatchResponse list;
  int lists = 0;
  const std::string last = names.back();
  bool seen = false;
  while (!seen && stream->Read(&list)) {
    ++lists;
    for (const auto& device : list.devices()) seen = seen || device.id() == last;
  }
  EXPECT_TRUE(seen);
  EXPECT_LT(lists, kChanges);
  context.TryCancel();
}

TEST_F(ServiceTest, EndsWhileStreamsAreOpenAndListsUnderWay) {
  for (int round = 0; round < 20; ++round) {
    board_.Reopen();
    const auto path = node_.path() / ("s" + std::to_string(round));
    auto opened = RpcServer::Open(
        path, {.answers = Answers({.spec = spec_,
                                   .host = host_,
                                   .board = board_,
                                   .stats = stats_,
                                   .on_answered = [] {},
                                   .on_device_missing = [] {}}),
               .board = board_,
               .stream = {.on_opened = [] {}, .on_closed = [] {}, .on_list_sent = [](bool) {}}});
    ASSERT_TRUE(opened.ok()) << opened.status();
    const auto stub = v1beta1::DevicePlugin::NewStub(
        grpc::CreateChannel("unix://" + path.string(), grpc::InsecureChannelCredentials()));
    std::vector<std::thread> readers;
    Awaited<bool> read;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&stub, &read] {
        grpc::ClientContext context;
        auto stream = stub->ListAndWatch(&context, {});
        v1beta1::ListAndWatchResponse list;
        while (stream->Read(&list)) read.Set(true);
        stream->Finish();
      });
    }
    ASSERT_TRUE(read.WaitFor(1));
    Announce({"a", "b" + std::to_string(round)});
    board_.CloseStreams();
    opened->reset();  // waits for all calls; the readers see an end
    for (std::thread& reader : readers) reader.join();
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST_F(ServiceTest, ManyStreamsSurviveBeingCancelledWhileListsArePublished) {
  Announce({"a"});
  std::vector<std::thread> readers;
  std::atomic<int> finished = 0;
  constexpr int kReaders = 8;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([this, i, &finished] {
      for (int round = 0; round < 10; ++round) {
        grpc::ClientContext context;
        auto stream = stub_->ListAndWatch(&context, {});
        v1beta1::ListAndWatchResponse list;
        for (int reads = 0; reads <= (i + round) % 3; ++reads) {
          if (!stream->Read(&list)) break;
        }
        context.TryCancel();
        while (stream->Read(&list)) {
        }
        stream->Finish();
      }
      ++finished;
    });
  }
  // Readers wait for changes, so changes come until all are done.
  for (int i = 0; finished < kReaders; ++i) Announce({"a", "b" + std::to_string(i % 100)});
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(closed_.WaitFor(kReaders * 10));
}

}  // namespace
}  // namespace nodedevice
