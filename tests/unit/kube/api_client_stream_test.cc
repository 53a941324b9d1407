// Watches, over TLS on the loopback.

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lib/kube/api_client.h"
#include "lib/kube/api_error.h"
#include "tests/unit/kube/api_client_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::seconds;

class ApiClientStreamTest : public ApiClientFixture {
 protected:
  static std::unique_ptr<ApiClient::Stream> Watch(ApiClient& client, Heard& heard) {
    return client.Watch("/things", "fieldSelector=metadata.name=rig", "42", seconds(333),
                        heard.callbacks());
  }
};

TEST_F(ApiClientStreamTest, BytesArriveWhileTheStreamIsOpen) {
  const auto server = Serve([](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead() + Chunk("one\n"));
    connection.WaitForRelease();
    connection.Send(Chunk("tw"));
    connection.Send(Chunk("o\n"));
    connection.WaitForRelease();
    connection.Send(kLastChunk);
  });
  const auto client = Client(*server);
  Heard heard;
  const auto stream = Watch(*client, heard);
  EXPECT_TRUE(WaitFor([&] { return heard.bytes() == "one\n"; }));
  EXPECT_EQ(heard.ends(), 0);
  server->Release();
  EXPECT_TRUE(WaitFor([&] { return heard.bytes() == "one\ntwo\n"; }));
  EXPECT_EQ(heard.ends(), 0);
  server->Release();
  EXPECT_TRUE(heard.WaitForEnd().ok());
  EXPECT_EQ(heard.ends(), 1);
  EXPECT_EQ(server->requests()[0].target,
            "/things?fieldSelector=metadata.name%3Drig&watch=1&resourceVersion=42"
            "&allowWatchBookmarks=true&timeoutSeconds=333");
  EXPECT_EQ(server->requests()[0].Header("authorization"), "Bearer secret");
}

TEST_F(ApiClientStreamTest, ManySmallPiecesComeInOrder) {
  std::string whole;
  for (int i = 0; i < 5'000; ++i) whole += absl::StrCat(i, "\n");
  const auto server = Serve([&](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead());
    for (std::size_t at = 0; at < whole.size(); at += 7)
      connection.Send(Chunk(whole.substr(at, 7)));
    connection.Send(kLastChunk);
  });
  const auto client = Client(*server);
  Heard heard;
  const auto stream = Watch(*client, heard);
  EXPECT_TRUE(heard.WaitForEnd().ok());
  EXPECT_EQ(heard.bytes(), whole);
}

TEST_F(ApiClientStreamTest, AStreamThatIsCutEndsWithAnError) {
  for (const std::string& last : {std::string(), Chunk("{\"half"), std::string("20\r\n{\"half")}) {
    const auto server = Serve([&](const ApiRequest&, Connection& connection) {
      connection.Send(ChunkedHead() + Chunk("one\n") + last);
      connection.WaitForRelease();
      connection.Cut();
    });
    const auto client = Client(*server);
    Heard heard;
    const auto stream = Watch(*client, heard);
    EXPECT_TRUE(WaitFor([&] { return heard.bytes().starts_with("one\n"); }));
    server->Release();
    EXPECT_EQ(heard.WaitForEnd().code(), absl::StatusCode::kUnavailable) << last;
    EXPECT_EQ(heard.ends(), 1);
  }
}

TEST_F(ApiClientStreamTest, AnErrorAnswerEndsItWithWhatTheServerSaid) {
  const auto server = Serve(HttpAnswerOf(
      "410 Gone", R"({"kind":"Status","reason":"Expired","message":"too old","code":410})",
      "Retry-After: 3\r\n"));
  const auto client = Client(*server);
  Heard heard;
  const auto stream = Watch(*client, heard);
  const absl::Status status = heard.WaitForEnd();
  EXPECT_TRUE(IsExpired(status));
  EXPECT_EQ(status.message(), "watch of /things: 410 Expired: too old");
  EXPECT_EQ(ApiErrorOf(status)->retry_after, seconds(3));
  EXPECT_EQ(heard.bytes(), "");
}

TEST_F(ApiClientStreamTest, AnErrorAnswerWithoutEndIsNotReadForEver) {
  const auto server = Serve([](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead("500 Internal Server Error"));
    const std::string chunk = Chunk(std::string(10'000, 'x'));
    while (connection.Send(chunk)) {
    }
  });
  const auto client = Client(*server);
  Heard heard;
  const auto stream = Watch(*client, heard);
  EXPECT_EQ(heard.WaitForEnd().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(WaitFor([&] { return server->closed() == 1; })) << "it is still being read";
}

TEST_F(ApiClientStreamTest, NobodyThereEndsIt) {
  auto server = Serve("");
  const auto client = Client(*server);
  server.reset();
  Heard heard;
  const auto stream = Watch(*client, heard);
  EXPECT_EQ(heard.WaitForEnd().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ApiClientStreamTest, APathThatIsNoneEndsIt) {
  const auto server = Serve("");
  const auto client = Client(*server);
  Heard heard;
  const auto stream = client->Watch("/a b", "", "1", seconds(300), heard.callbacks());
  EXPECT_EQ(heard.WaitForEnd().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ApiClientStreamTest, ClosingItSilencesItAndClosesTheConnection) {
  const auto server = Serve([](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead());
    while (connection.Send(Chunk("again\n"))) {
    }
  });
  const auto client = Client(*server);
  Heard heard;
  auto stream = Watch(*client, heard);
  EXPECT_TRUE(WaitFor([&] { return !heard.bytes().empty(); }));
  stream.reset();
  const std::string so_far = heard.bytes();
  EXPECT_TRUE(WaitFor([&] { return server->closed() == 1; }));
  EXPECT_EQ(heard.bytes(), so_far);
  EXPECT_EQ(heard.ends(), 0);
}

TEST_F(ApiClientStreamTest, ClosingItBeforeTheAnswerSilencesIt) {
  const auto server =
      Serve([](const ApiRequest&, Connection& connection) { connection.WaitForClient(); });
  const auto client = Client(*server);
  Heard heard;
  auto stream = Watch(*client, heard);
  EXPECT_TRUE(WaitFor([&] { return server->requests().size() == 1; }));
  stream.reset();
  EXPECT_TRUE(WaitFor([&] { return server->closed() == 1; }));
  EXPECT_EQ(heard.ends(), 0);
  // At once, while the connection is made.
  for (int i = 0; i < 20; ++i) Watch(*client, heard).reset();
  EXPECT_EQ(heard.ends(), 0);
}

TEST_F(ApiClientStreamTest, DestroyingTheClientEndsItsStreamsSilently) {
  const auto server = Serve([](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead() + Chunk("one\n"));
    connection.WaitForClient();
  });
  auto client = Client(*server);
  Heard first;
  Heard second;
  const auto stream = Watch(*client, first);
  const auto other = Watch(*client, second);
  EXPECT_TRUE(WaitFor([&] { return !first.bytes().empty() && !second.bytes().empty(); }));
  client.reset();
  EXPECT_TRUE(WaitFor([&] { return server->closed() == 2; }));
  EXPECT_EQ(first.ends() + second.ends(), 0);
}

TEST_F(ApiClientStreamTest, TheKernelWatchesOverTheConnection) {
  const auto server = Serve([](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead() + Chunk("one\n"));
    connection.WaitForClient();
  });
  const auto client = Client(*server);
  Heard heard;
  const auto stream = Watch(*client, heard);
  ASSERT_TRUE(WaitFor([&] { return !heard.bytes().empty(); }));
  // The client's end is the socket of ours that is connected to the server's port.
  int found = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  ASSERT_NE(folder, nullptr);
  while (const dirent* entry = ::readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    sockaddr_in peer = {};
    socklen_t size = sizeof(peer);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 ||
        peer.sin_family != AF_INET || ntohs(peer.sin_port) != server->port()) {
      continue;
    }
    ++found;
    int keep_alive = 0;
    size = sizeof(keep_alive);
    EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keep_alive, &size), 0);
    EXPECT_EQ(keep_alive, 1);
    int patience = 0;
    size = sizeof(patience);
    EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, &size), 0);
    EXPECT_EQ(patience, 45'000);
  }
  ::closedir(folder);
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace nodedevice::testing
