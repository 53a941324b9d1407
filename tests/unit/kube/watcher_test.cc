// A watcher, its client and an event loop against a server that follows a script.

#include "lib/kube/watcher.h"

#include <atomic>

#include "tests/support/run_until.h"
#include "tests/unit/kube/api_client_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Json = nlohmann::json;

bool IsWatch(const ApiRequest& request) {
  return request.target.find("watch=1") != std::string::npos;
}

std::string ListOf(const std::string& version, const Json& items) {
  return HttpAnswerOf(
      "200 OK", Json({{"metadata", {{"resourceVersion", version}}}, {"items", items}}).dump());
}

Json Object(const std::string& name, const std::string& version) {
  return {{"metadata", {{"name", name}, {"resourceVersion", version}}}};
}

std::string Frame(const std::string& type, const Json& object) {
  return Chunk(Json({{"type", type}, {"object", object}}).dump() + "\n");
}

class WatcherTest : public ApiClientFixture {
 protected:
  // Begins to watch the server; what it calls back is in told_.
  void Watch(const ScriptedApiServer& server) {
    client_ = Client(server);
    worker_.emplace();
    watcher_ = std::make_unique<Watcher>(
        loop_, *worker_, *client_,
        Watcher::Target{.path = "/things", .selector = "labelSelector=a=b"},
        Watcher::Callbacks{
            .on_upsert =
                [this](const Json& object) {
                  told_.push_back("upsert " + object["metadata"]["name"].get<std::string>());
                },
            .on_remove = [this](const std::string& key) { told_.push_back("remove " + key); },
            .on_synced = [this] { told_.emplace_back("synced"); },
            .on_problem =
                [this](const absl::Status& problem) {
                  told_.push_back(problem.ok() ? "well" : "problem");
                  problem_ = problem;
                }},
        1);
    watcher_->Start();
  }
  bool WaitUntilTold(std::size_t count) {
    return RunUntil(loop_, [this, count] { return told_.size() >= count; });
  }

  ~WatcherTest() override {
    watcher_.reset();
    if (client_) client_->Shutdown();
    worker_.reset();
    client_.reset();
  }

  EventLoop loop_;
  std::unique_ptr<ApiClient> client_;
  std::optional<Worker> worker_;
  std::unique_ptr<Watcher> watcher_;
  std::vector<std::string> told_;
  absl::Status problem_;
};

TEST_F(WatcherTest, TellsTheListAndThenEveryChangeAsItComes) {
  const auto server = Serve([](const ApiRequest& request, Connection& connection) {
    if (!IsWatch(request)) {
      connection.Send(ListOf("5", {Object("a", "1"), Object("b", "2")}));
      return;
    }
    connection.Send(ChunkedHead() + Frame("DELETED", Object("a", "6")));
    connection.WaitForRelease();
    connection.Send(Frame("ADDED", Object("c", "7")));
    connection.WaitForClient();
  });
  Watch(*server);
  ASSERT_TRUE(WaitUntilTold(5));
  EXPECT_THAT(told_, ElementsAre("upsert a", "upsert b", "synced", "well", "remove a"));
  server->Release();
  ASSERT_TRUE(WaitUntilTold(6));
  EXPECT_EQ(told_.back(), "upsert c");
  const std::vector<ApiRequest> requests = server->requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].target, "/things?labelSelector=a%3Db&limit=100&resourceVersion=0");
  EXPECT_TRUE(
      requests[1].target.starts_with("/things?labelSelector=a%3Db&watch=1&resourceVersion=5&"))
      << requests[1].target;
}

TEST_F(WatcherTest, AStreamThatIsCutIsAProblemUntilTheServerAcceptsTheNext) {
  std::atomic<int> watches = 0;
  const auto server = Serve([&](const ApiRequest& request, Connection& connection) {
    if (!IsWatch(request)) {
      connection.Send(ListOf("5", Json::array()));
    } else if (++watches == 1) {
      connection.Send(ChunkedHead() + Frame("ADDED", Object("a", "6")) + "40\r\n{\"type\":");
      connection.WaitForRelease();
      connection.Cut();
    } else {
      connection.Send(ChunkedHead());
      connection.WaitForClient();
    }
  });
  Watch(*server);
  ASSERT_TRUE(WaitUntilTold(3));
  EXPECT_THAT(told_, ElementsAre("synced", "well", "upsert a"));
  server->Release();
  ASSERT_TRUE(WaitUntilTold(4));
  EXPECT_TRUE(absl::IsUnavailable(problem_)) << problem_;
  ASSERT_TRUE(WaitUntilTold(5));
  EXPECT_TRUE(problem_.ok()) << "a quiet stream is a good one";
  EXPECT_TRUE(server->requests().back().target.find("resourceVersion=6&") != std::string::npos);
}

// It was listed just now, so the server is given a moment.
TEST_F(WatcherTest, AVersionThatIsGoneIsListedAgain) {
  std::atomic<int> lists = 0;
  const auto server = Serve([&](const ApiRequest& request, Connection& connection) {
    if (!IsWatch(request)) {
      connection.Send(++lists == 1 ? ListOf("5", {Object("a", "1"), Object("b", "2")})
                                   : ListOf("9", {Object("b", "2"), Object("c", "8")}));
    } else if (lists == 1) {
      connection.Send(HttpAnswerOf("410 Gone", R"({"kind":"Status","reason":"Expired"})"));
    } else {
      connection.Send(ChunkedHead());
      connection.WaitForClient();
    }
  });
  Watch(*server);
  ASSERT_TRUE(WaitUntilTold(9));
  EXPECT_THAT(told_, ElementsAre("upsert a", "upsert b", "synced", "well", "problem", "upsert c",
                                 "remove a", "synced", "well"));
}

TEST_F(WatcherTest, NothingIsCalledAfterItsDestruction) {
  const auto server = Serve([](const ApiRequest& request, Connection& connection) {
    if (!IsWatch(request)) {
      connection.Send(ListOf("5", Json::array()));
      return;
    }
    connection.Send(ChunkedHead());
    int version = 6;
    while (connection.Send(Frame("ADDED", Object("a", std::to_string(version++))))) {
    }
  });
  Watch(*server);
  ASSERT_TRUE(WaitUntilTold(9));
  watcher_.reset();
  const std::size_t so_far = told_.size();
  EXPECT_TRUE(RunUntil(loop_, [&] { return server->closed() >= 1; }));
  EXPECT_EQ(told_.size(), so_far);
}

TEST_F(WatcherTest, MayBeDestroyedWhileItLists) {
  const auto server =
      Serve([](const ApiRequest&, Connection& connection) { connection.WaitForClient(); });
  Watch(*server);
  ASSERT_TRUE(RunUntil(loop_, [&] { return server->requests().size() == 1; }));
  watcher_.reset();
  client_->Shutdown();
  worker_.reset();
  bool drained = false;
  loop_.Post([&] { drained = true; });
  EXPECT_TRUE(RunUntil(loop_, [&] { return drained; }));
  EXPECT_THAT(told_, IsEmpty());
}

}  // namespace
}  // namespace nodedevice::testing
