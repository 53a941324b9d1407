#include "lib/metrics/tls_credentials.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/file.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificates.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class TlsCredentialsTest : public ::testing::Test {
 protected:
  // As an update of a mounted Secret does: new files, put in the place of the old ones.
  void WritePair(const TestCertificate& pair) {
    Write("tls.crt", pair.certificate);
    Write("tls.key", pair.key);
  }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(dir_.path() / name, text).ok());
  }
  absl::StatusOr<std::unique_ptr<TlsCredentials>> TryToLoad() {
    return TlsCredentials::Load({.certificate = dir_.path() / "tls.crt",
                                 .key = dir_.path() / "tls.key",
                                 .client_ca = client_ca_},
                                [this](const TlsNews& news) {
                                  (news.problem ? problems_ : good_news_).push_back(news.text);
                                });
  }
  std::unique_ptr<TlsCredentials> Load() {
    auto credentials = TryToLoad();
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    return *std::move(credentials);
  }
  // Looks at the files, with the time between two looks gone by.
  void Refresh(TlsCredentials& credentials) {
    now_ += TlsCredentials::kBetweenLooks;
    credentials.Refresh(now_);
  }

  const TempDir dir_;
  const TestAuthority authority_;
  std::filesystem::path client_ca_;
  TimePoint now_ = Clock::now() + std::chrono::hours(1);
  std::vector<std::string> good_news_;
  std::vector<std::string> problems_;
};

TEST_F(TlsCredentialsTest, FailsWithoutItsFiles) {
  EXPECT_THAT(std::string(TryToLoad().status().message()),
              StartsWith("--tls-cert: " + (dir_.path() / "tls.crt").string()));
  WritePair(authority_.Server());
  client_ca_ = dir_.path() / "ca.crt";
  EXPECT_THAT(std::string(TryToLoad().status().message()),
              StartsWith("--client-ca: " + client_ca_.string()));
}

TEST_F(TlsCredentialsTest, FilesThatStayAreReadOnce) {
  WritePair(authority_.Server());
  const auto credentials = Load();
  const ssl_ctx_st* context = credentials->context();
  Refresh(*credentials);
  EXPECT_EQ(credentials->context(), context);
  EXPECT_THAT(good_news_, IsEmpty());
}

TEST_F(TlsCredentialsTest, UsesANewPair) {
  WritePair(authority_.Server());
  const auto credentials = Load();
  const ssl_ctx_st* context = credentials->context();
  const TestCertificate next = authority_.Server();
  WritePair(next);
  Refresh(*credentials);
  EXPECT_NE(credentials->context(), context);
  EXPECT_THAT(good_news_, ElementsAre(AllOf(HasSubstr(next.serial), HasSubstr("valid until"))));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(TlsCredentialsTest, LooksAtMostOnceASecond) {
  WritePair(authority_.Server());
  const auto credentials = Load();
  Refresh(*credentials);
  WritePair(authority_.Server());
  credentials->Refresh(now_ + TlsCredentials::kBetweenLooks - std::chrono::milliseconds(1));
  EXPECT_THAT(good_news_, IsEmpty());
  credentials->Refresh(now_ + TlsCredentials::kBetweenLooks);
  EXPECT_THAT(good_news_, SizeIs(1));
}

TEST_F(TlsCredentialsTest, FollowsSymbolicLinksThatAreSwapped) {
  const auto write_version = [this](const std::string& version) {
    const TestCertificate pair = authority_.Server();
    dir_.Write(version + "/tls.crt", pair.certificate);
    dir_.Write(version + "/tls.key", pair.key);
    std::filesystem::create_symlink(version, dir_.path() / "new");
    std::filesystem::rename(dir_.path() / "new", dir_.path() / "..data");
    return pair.serial;
  };
  write_version("first");
  std::filesystem::create_symlink("..data/tls.crt", dir_.path() / "tls.crt");
  std::filesystem::create_symlink("..data/tls.key", dir_.path() / "tls.key");
  const auto credentials = Load();
  const std::string serial = write_version("second");
  Refresh(*credentials);
  EXPECT_THAT(good_news_, ElementsAre(HasSubstr(serial)));
}

TEST_F(TlsCredentialsTest, ABrokenPairKeepsTheOldOneAndIsToldOnce) {
  WritePair(authority_.Server());
  const auto credentials = Load();
  const ssl_ctx_st* context = credentials->context();
  const TestCertificate next = authority_.Server();
  Write("tls.crt", next.certificate);  // the key is still to come
  Refresh(*credentials);
  EXPECT_EQ(credentials->context(), context);
  EXPECT_THAT(problems_, ElementsAre(AllOf(HasSubstr("stays in use"), HasSubstr("--tls-key"),
                                           HasSubstr("is not the key of the certificate"))));
  Write("tls.crt", next.certificate);  // touched, the same content
  Refresh(*credentials);
  EXPECT_THAT(problems_, SizeIs(1));
  Write("tls.crt", authority_.Server().certificate);
  Refresh(*credentials);
  EXPECT_THAT(problems_, SizeIs(2)) << "another content is another problem";

  Write("tls.crt", next.certificate);
  Write("tls.key", next.key);
  Refresh(*credentials);
  EXPECT_NE(credentials->context(), context);
  EXPECT_THAT(good_news_, ElementsAre(HasSubstr(next.serial)));
}

TEST_F(TlsCredentialsTest, AMissingFileKeepsTheOldPair) {
  WritePair(authority_.Server());
  const auto credentials = Load();
  dir_.Remove("tls.key");
  Refresh(*credentials);
  Refresh(*credentials);
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("--tls-key: ")));
  EXPECT_NE(credentials->context(), nullptr);
}

TEST_F(TlsCredentialsTest, FollowsTheClientCaToo) {
  WritePair(authority_.Server());
  client_ca_ = dir_.Write("ca.crt", authority_.pem());
  const auto credentials = Load();
  const ssl_ctx_st* context = credentials->context();
  Write("ca.crt", "cut of");
  Refresh(*credentials);
  EXPECT_EQ(credentials->context(), context);
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("--client-ca")));
  Write("ca.crt", TestAuthority("next").pem());
  Refresh(*credentials);
  EXPECT_NE(credentials->context(), context);
}

TEST_F(TlsCredentialsTest, AnExpiredCertificateIsUsedAndTold) {
  WritePair(authority_.ExpiredServer());
  const auto credentials = Load();
  EXPECT_LT(credentials->not_after(), std::time(nullptr));
  EXPECT_THAT(problems_, ElementsAre(AllOf(HasSubstr("--tls-cert"), HasSubstr("expired on"))));

  WritePair(authority_.Server());
  Refresh(*credentials);
  EXPECT_GT(credentials->not_after(), std::time(nullptr));
}

}  // namespace
}  // namespace nodedevice::testing
