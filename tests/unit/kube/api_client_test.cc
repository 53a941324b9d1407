// Requests and their answers, over TLS on the loopback.

#include "lib/kube/api_client.h"

#include <functional>
#include <thread>
#include <vector>

#include "lib/kube/api_error.h"
#include "tests/unit/kube/api_client_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class ApiClientTest : public ApiClientFixture {
 protected:
  // The error of a GET that is answered with these bytes, after which the connection is cut.
  absl::Status CutAfter(const std::string& bytes) {
    const auto server = Serve([&](const ApiRequest&, Connection& connection) {
      connection.Send(bytes);
      connection.Cut();
    });
    return Client(*server)->Get("/x").status();
  }
};

TEST_F(ApiClientTest, GetSaysWhoAsksAndReadsJson) {
  const auto server = Serve(HttpAnswerOf("200 OK", R"({"kind":"Node"})"));
  const auto client = Client(*server);
  const auto node = client->Get("/api/v1/nodes/n1");
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(*node, Json({{"kind", "Node"}}));
  ASSERT_EQ(server->requests().size(), 1u);
  const ApiRequest request = server->requests()[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/api/v1/nodes/n1");
  EXPECT_EQ(request.Header("user-agent"), "node-device-agent/1.2.3");
  EXPECT_EQ(request.Header("accept"), "application/json");
  EXPECT_EQ(request.Header("authorization"), "Bearer secret");
}

TEST_F(ApiClientTest, PostDeleteAndMergePatchSendTheirBodies) {
  const auto server = Serve(HttpAnswerOf("201 Created", "{}"));
  const auto client = Client(*server);
  ASSERT_TRUE(client->Post("/p", {{"a", 1}}).ok());
  ASSERT_TRUE(client->Delete("/d", {{"b", 2}}).ok());
  ASSERT_TRUE(client->MergePatch("/m", {{"c", nullptr}}).ok());
  const std::vector<ApiRequest> requests = server->requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].method + requests[0].target + requests[0].body, R"(POST/p{"a":1})");
  EXPECT_EQ(requests[1].method + requests[1].target + requests[1].body, R"(DELETE/d{"b":2})");
  EXPECT_EQ(requests[2].method + requests[2].target + requests[2].body, R"(PATCH/m{"c":null})");
  EXPECT_EQ(requests[0].Header("content-type"), "application/json");
  EXPECT_EQ(requests[1].Header("content-type"), "application/json");
  EXPECT_EQ(requests[2].Header("content-type"), "application/merge-patch+json");
}

TEST_F(ApiClientTest, ReplacePutsTheWholeObjectAndTellsAConflict) {
  const auto server = Serve(HttpAnswerOf(
      "409 Conflict", R"({"kind":"Status","reason":"Conflict","message":"was modified"})"));
  const Json object = {{"metadata", {{"resourceVersion", "7"}}}};
  const absl::Status status = Client(*server)->Replace("/o/x", object).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(status.message(), "PUT /o/x: 409 Conflict: was modified");
  ASSERT_EQ(server->requests().size(), 1u);
  const ApiRequest request = server->requests()[0];
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.target, "/o/x");
  EXPECT_EQ(request.Header("content-type"), "application/json");
  EXPECT_EQ(request.body, R"({"metadata":{"resourceVersion":"7"}})");
}

TEST_F(ApiClientTest, ApplyIsAPatchOfItsOwnTypeAndIsStrict) {
  const auto server = Serve(HttpAnswerOf("200 OK", "{}"));
  const auto client = Client(*server);
  ASSERT_TRUE(client->Apply("/o/x", {{"kind", "X"}}, "node-device-agent/status", true).ok());
  ASSERT_TRUE(client->Apply("/o/x?dryRun=All", {{"kind", "X"}}, "m", false).ok());
  const std::vector<ApiRequest> requests = server->requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].method, "PATCH");
  EXPECT_EQ(requests[0].target,
            "/o/x?fieldManager=node-device-agent%2Fstatus&fieldValidation=Strict&force=true");
  EXPECT_EQ(requests[0].Header("content-type"), "application/apply-patch+yaml");
  EXPECT_EQ(requests[0].body, R"({"kind":"X"})");
  EXPECT_EQ(requests[1].target, "/o/x?dryRun=All&fieldManager=m&fieldValidation=Strict");
}

TEST_F(ApiClientTest, BytesThatAreNotUtf8AreReplaced) {
  const auto server = Serve(HttpAnswerOf("200 OK", "{}"));
  const auto client = Client(*server);
  const Json object = {{"message", "broken \xFF text"}};
  EXPECT_TRUE(client->Post("/x", object).ok());
  EXPECT_TRUE(client->Apply("/x", object, "m", true).ok());
  EXPECT_TRUE(client->MergePatch("/x", object).ok());
  EXPECT_TRUE(client->Delete("/x", object).ok());
  for (const ApiRequest& request : server->requests()) {
    EXPECT_EQ(request.body, "{\"message\":\"broken \xEF\xBF\xBD text\"}");
  }
}

TEST_F(ApiClientTest, AConnectionThatTheServerClosedMeanwhileIsReplaced) {
  const auto server = Serve([](const ApiRequest&, Connection& connection) {
    connection.Send(HttpAnswerOf("200 OK", "{}"));
    connection.Cut();
  });
  const auto client = Client(*server);
  const std::vector<std::function<absl::StatusOr<Json>()>> requests = {
      [&] { return client->Get("/x"); },
      [&] {
        return client->Post("/x", {{"a", 1}});
      },
      [&] {
        return client->Apply("/x", {{"a", 1}}, "m", true);
      },
      [&] {
        return client->MergePatch("/x", {{"a", 1}});
      },
      [&] {
        return client->Delete("/x", {{"a", 1}});
      }};
  std::size_t answered = 0;
  for (int round = 0; round < 5; ++round) {
    for (const auto& request : requests) {
      const auto answer = request();
      ASSERT_TRUE(answer.ok()) << answer.status();
      ++answered;
      ASSERT_TRUE(WaitFor([&] { return server->closed() == answered; }));
    }
  }
  EXPECT_EQ(server->requests().size(), answered) << "none arrived twice";
}

TEST_F(ApiClientTest, AnErrorKeepsWhatTheServerSaid) {
  const auto server = Serve(HttpAnswerOf(
      "429 Too Many Requests",
      R"({"kind":"Status","reason":"TooManyRequests","message":"slow down","code":429})",
      "Retry-After: 7\r\n"));
  const absl::Status status = Client(*server)->Get("/api/v1/nodes?limit=1").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "GET /api/v1/nodes: 429 TooManyRequests: slow down");
  ASSERT_TRUE(ApiErrorOf(status));
  EXPECT_EQ(ApiErrorOf(status)->retry_after, std::chrono::seconds(7));
  EXPECT_EQ(server->requests().size(), 1u) << "whoever asks decides to ask again";
}

TEST_F(ApiClientTest, AnAnswerThatIsNotJsonIsAnError) {
  const auto server = Serve(HttpAnswerOf("200 OK", "<html>"));
  const absl::Status status = Client(*server)->Get("/x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "GET /x: the answer is not JSON");
}

TEST_F(ApiClientTest, AnAnswerThatIsCutIsAnErrorAndNotAShortOne) {
  EXPECT_TRUE(absl::IsUnavailable(CutAfter("")));
  EXPECT_TRUE(absl::IsUnavailable(CutAfter("HTTP/1.1 200 OK\r\nContent-")));
  EXPECT_TRUE(absl::IsUnavailable(CutAfter("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")));
  EXPECT_TRUE(absl::IsUnavailable(CutAfter("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")));
  EXPECT_TRUE(absl::IsUnavailable(CutAfter(ChunkedHead())));
  EXPECT_TRUE(absl::IsUnavailable(CutAfter(ChunkedHead() + Chunk("{}"))));
  EXPECT_TRUE(absl::IsUnavailable(CutAfter(ChunkedHead() + "9\r\n{}")));
  EXPECT_TRUE(absl::IsUnavailable(CutAfter("HTTP/1.1 200 OK\r\n\r\n{}"))) << "no length at all";
}

TEST_F(ApiClientTest, ABodyInManyPiecesIsWhole) {
  const std::string text(3'000'000, 'x');
  const auto server = Serve([&](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead() + Chunk("{\"text\":\""));
    for (std::size_t at = 0; at < text.size(); at += 1000) {
      connection.Send(Chunk(std::string_view(text).substr(at, 1000)));
    }
    connection.Send(Chunk("\"}") + std::string(kLastChunk));
  });
  const auto answer = Client(*server)->Get("/x");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ((*answer)["text"], text);
}

TEST_F(ApiClientTest, AnAnswerThatIsTooLargeIsRefusedAndNotReadToItsEnd) {
  const auto server = Serve([](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead());
    const std::string chunk = Chunk(std::string(10'000, ' '));
    while (connection.Send(chunk)) {
    }
  });
  ApiClient::Settings settings = Settings();
  settings.max_answer = 100'000;
  const auto client = Client(AccessTo(*server), settings);
  const absl::Status status = client->Get("/x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "GET /x: the answer is larger than 100000 bytes");
  EXPECT_TRUE(WaitFor([&] { return server->closed() == 1; })) << "it is still being read";
}

TEST_F(ApiClientTest, NobodyThereIsUnavailable) {
  auto server = Serve(HttpAnswerOf("200 OK", "{}"));
  const auto client = Client(*server);
  server.reset();
  const absl::Status status = client->Get("/x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("GET /x: "));
  EXPECT_FALSE(ApiErrorOf(status)) << "no server said that";
}

TEST_F(ApiClientTest, AServerThatAcceptsAndNeverAnswersEndsInTime) {
  ApiClient::Settings settings = Settings();
  settings.timeout = std::chrono::seconds(1);
  const auto mute = Serve({}, {.mute = true});
  EXPECT_EQ(Client(AccessTo(*mute), settings)->Get("/x").status().code(),
            absl::StatusCode::kDeadlineExceeded);
  const auto silent =
      Serve([](const ApiRequest&, Connection& connection) { connection.WaitForClient(); });
  EXPECT_EQ(Client(AccessTo(*silent), settings)->Get("/x").status().code(),
            absl::StatusCode::kDeadlineExceeded);
  const auto halfway = Serve([](const ApiRequest&, Connection& connection) {
    connection.Send(ChunkedHead() + Chunk("{"));
    connection.WaitForClient();
  });
  EXPECT_EQ(Client(AccessTo(*halfway), settings)->Get("/x").status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ApiClientTest, ShutdownEndsWhatRunsAndWhatComes) {
  for (const bool halfway : {false, true}) {
    const auto server = Serve([&](const ApiRequest&, Connection& connection) {
      if (halfway) connection.Send(ChunkedHead() + Chunk("{"));
      connection.WaitForClient();
    });
    const auto client = Client(*server);
    absl::Status status;
    std::thread caller([&] { status = client->Get("/x").status(); });
    EXPECT_TRUE(WaitFor([&] { return server->requests().size() == 1; }));
    client->Shutdown();
    caller.join();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    EXPECT_EQ(client->Get("/x").status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(server->requests().size(), 1u);
  }
}

TEST_F(ApiClientTest, ShutdownEndsAHandshakeThatStandsStill) {
  const auto server = Serve({}, {.mute = true});
  const auto client = Client(*server);
  absl::Status status;
  std::thread caller([&] { status = client->Get("/x").status(); });
  EXPECT_TRUE(WaitFor([&] { return server->opened() == 1; }));
  client->Shutdown();
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

TEST_F(ApiClientTest, AServerWithAnIpv6AddressIsFoundAndVerified) {
  const auto server =
      Serve([](const ApiRequest&,
               Connection& connection) { connection.Send(HttpAnswerOf("200 OK", "{}")); },
            {.ipv6 = true});
  if (!server->listening()) GTEST_SKIP() << "this machine has no ::1";
  const auto client = Client(*server);
  const auto answer = client->Get("/x");
  EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST_F(ApiClientTest, AnAddressThatIsNoneIsRefusedAtTheStart) {
  for (const char* server : {"https://a b", "https://", "ftp://host"}) {
    const auto client = ApiClient::Create({.server = server}, Settings());
    EXPECT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument) << server;
    EXPECT_THAT(std::string(client.status().message()), HasSubstr(server));
  }
}

TEST_F(ApiClientTest, APathThatIsNoneIsAnError) {
  const auto server = Serve(HttpAnswerOf("200 OK", "{}"));
  const auto client = Client(*server);
  EXPECT_EQ(client->Get("/a b").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client->Get("/%zz\x01").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(server->requests().empty());
}

// ---- List

TEST_F(ApiClientTest, AListIsPutTogetherFromItsPages) {
  const auto server = Serve([](const ApiRequest& request, Connection& connection) {
    const std::string& target = request.target;
    if (target.find("continue=") == std::string::npos) {
      connection.Send(HttpAnswerOf(
          "200 OK", R"({"metadata":{"resourceVersion":"7","continue":"a/b="},"items":[1]})"));
    } else if (target.ends_with("continue=a%2Fb%3D")) {
      connection.Send(HttpAnswerOf(
          "200 OK", R"({"metadata":{"resourceVersion":"7","continue":"c"},"items":[2,3]})"));
    } else {
      connection.Send(
          HttpAnswerOf("200 OK", R"({"metadata":{"resourceVersion":"7"},"items":[4]})"));
    }
  });
  const auto list = Client(*server)->List("/things", "labelSelector=a=b", "5");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ((*list)["items"], Json({1, 2, 3, 4}));
  EXPECT_EQ((*list)["metadata"]["resourceVersion"], "7");
  const std::vector<ApiRequest> requests = server->requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].target, "/things?labelSelector=a%3Db&limit=100&resourceVersion=5");
  EXPECT_EQ(requests[1].target, "/things?labelSelector=a%3Db&limit=100&continue=a%2Fb%3D");
  EXPECT_EQ(requests[2].target, "/things?labelSelector=a%3Db&limit=100&continue=c");
}

TEST_F(ApiClientTest, AListOfTheNewestNamesNoVersion) {
  const auto server = Serve(HttpAnswerOf("200 OK", R"({"items":[]})"));
  ASSERT_TRUE(Client(*server)->List("/things", "", "").ok());
  EXPECT_EQ(server->requests()[0].target, "/things?limit=100");
}

TEST_F(ApiClientTest, APageThatFailsFailsTheList) {
  const auto server = Serve([](const ApiRequest& request, Connection& connection) {
    connection.Send(
        request.target.find("continue=") == std::string::npos
            ? HttpAnswerOf("200 OK", R"({"metadata":{"continue":"a"},"items":[1]})")
            : HttpAnswerOf("410 Gone", R"({"kind":"Status","reason":"Expired","code":410})"));
  });
  EXPECT_TRUE(IsExpired(Client(*server)->List("/things", "", "0").status()));
}

TEST_F(ApiClientTest, AnswersThatAreNoListsDoNotBreakIt) {
  for (const char* body :
       {"[]", "1", "null", R"({"metadata":[]})", R"({"metadata":{"continue":1}})", R"("text")"}) {
    const auto server = Serve(HttpAnswerOf("200 OK", body));
    const auto list = Client(*server)->List("/things", "", "0");
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(*list, Json::parse(body));
  }
  // Nor when only the second page is none, or the first has no items.
  for (const char* first :
       {R"({"metadata":{"continue":"a"},"items":{}})", R"({"metadata":{"continue":"a"}})"}) {
    for (const char* second : {"[]", "1", "null", R"({"items":7})", R"({"items":[1]})"}) {
      const auto server = Serve([&](const ApiRequest& request, Connection& connection) {
        const bool is_first = request.target.find("continue=") == std::string::npos;
        connection.Send(HttpAnswerOf("200 OK", is_first ? first : second));
      });
      const auto list = Client(*server)->List("/things", "", "0");
      EXPECT_TRUE(list.ok() || absl::IsDataLoss(list.status())) << first << second;
    }
  }
}

TEST_F(ApiClientTest, AListThatNeverEndsIsAnError) {
  const auto server =
      Serve(HttpAnswerOf("200 OK", R"({"metadata":{"continue":"same"},"items":[1,2,3]})"));
  const absl::Status status = Client(*server)->List("/t", "", "0").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "GET /t: the list has more than 1000 pages");
}

}  // namespace
}  // namespace nodedevice::testing
