#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/api_client.h"
#include "tests/support/scripted_api_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {

// An authority whose servers a client trusts, and the client.
class ApiClientFixture : public ::testing::Test {
 protected:
  using Connection = ScriptedApiServer::Connection;

  std::unique_ptr<ScriptedApiServer> Serve(ScriptedApiServer::Answer answer,
                                           ScriptedApiServer::Options options = {}) const {
    return std::make_unique<ScriptedApiServer>(authority_.Server(), std::move(answer),
                                               std::move(options));
  }
  // Always answers with these bytes.
  std::unique_ptr<ScriptedApiServer> Serve(const std::string& bytes) const {
    return Serve([bytes](const ApiRequest&, Connection& connection) { connection.Send(bytes); });
  }

  ClusterAccess AccessTo(const ScriptedApiServer& server) const {
    return {.server = server.url(), .ca = authority_.pem(), .token = "secret"};
  }
  static std::unique_ptr<ApiClient> Client(const ClusterAccess& access,
                                           ApiClient::Settings settings = Settings()) {
    auto client = ApiClient::Create(access, std::move(settings));
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }
  std::unique_ptr<ApiClient> Client(const ScriptedApiServer& server) const {
    return Client(AccessTo(server));
  }
  static ApiClient::Settings Settings() { return {.user_agent = "node-device-agent/1.2.3"}; }

  const TestAuthority authority_;
  const TempDir dir_;
};

// What came of a stream, for a test to wait for.
class Heard {
 public:
  ApiClient::StreamCallbacks callbacks() {
    return {.on_bytes =
                [this](const std::string& bytes) {
                  const std::lock_guard<std::mutex> lock(mutex_);
                  bytes_ += bytes;
                },
            .on_end =
                [this](const absl::Status& status) {
                  const std::lock_guard<std::mutex> lock(mutex_);
                  ++ends_;
                  end_ = status;
                }};
  }
  std::string bytes() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return bytes_;
  }
  int ends() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ends_;
  }
  // Waits for the end; kUnknown: it did not come.
  absl::Status WaitForEnd() const {
    if (!WaitFor([this] { return ends() > 0; })) return absl::UnknownError("no end came");
    const std::lock_guard<std::mutex> lock(mutex_);
    return end_;
  }

 private:
  mutable std::mutex mutex_;
  std::string bytes_;
  int ends_ = 0;
  absl::Status end_;
};

}  // namespace nodedevice::testing
