#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "lib/base/file.h"
#include "lib/metrics/http_server.h"
#include "tests/support/connected_client.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificates.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {

// An authority, what it issued in files, and servers that use them and let in "prometheus".
class TlsServerFixture : public ::testing::Test {
 protected:
  TlsServerFixture() {
    WritePair(pair_);
    WriteFile("ca.crt", authority_.pem());
  }

  void WritePair(const TestCertificate& pair) {
    WriteFile("tls.crt", pair.certificate);
    WriteFile("tls.key", pair.key);
  }
  void WriteFile(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(dir_.path() / name, text).ok());
  }

  std::unique_ptr<HttpServer> Start(HttpServerOptions options = {},
                                    const std::string& listen = "127.0.0.1:0") {
    auto credentials = TlsCredentials::Load(
        tls_, [this](const TlsNews& news) { problems_ += news.problem ? 1 : 0; });
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    if (!credentials.ok()) return nullptr;
    credentials_ = *std::move(credentials);
    options.tls = credentials_.get();
    options.access.client_names = {"prometheus"};
    auto server = HttpServer::Start(
        listen,
        {{"/", [] { return HttpResponse{.content_type = "text/html", .body = "<p>page"}; }},
         {"/metrics", [] { return HttpResponse{.body = "up 1\n"}; }},
         {"/long", [] { return HttpResponse{.body = std::string(5'000'000, 'x')}; }},
         {"/healthz", [] { return HttpResponse{.body = "ok\n"}; }},
         {"/readyz", [] { return HttpResponse{.status = 503, .body = "not yet\n"}; }}},
        std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }

  TlsClientOptions Anonymous() const { return {.ca = authority_.pem()}; }
  TlsClientOptions As(const TestCertificate& certificate) const {
    return {.ca = authority_.pem(), .certificate = certificate};
  }
  int Problems() const { return problems_; }

  const TempDir dir_;
  const TestAuthority authority_;
  const TestCertificate pair_ = authority_.Server();
  TlsOptions tls_ = {.certificate = dir_.path() / "tls.crt",
                     .key = dir_.path() / "tls.key",
                     .client_ca = dir_.path() / "ca.crt"};
  std::unique_ptr<TlsCredentials> credentials_;

 private:
  std::atomic<int> problems_ = 0;  // counted on the server's thread
};

}  // namespace nodedevice::testing
