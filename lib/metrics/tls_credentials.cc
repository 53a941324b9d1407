#include "lib/metrics/tls_credentials.h"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "absl/time/time.h"
#include "lib/base/file.h"
#include "lib/metrics/sha256.h"

namespace nodedevice {
namespace {

constexpr std::size_t kFileLimit = 1 << 20;  // a bundle of several hundred certificates

std::string DateOf(std::int64_t unix_seconds) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(unix_seconds),
                          absl::UTCTimeZone());
}

absl::StatusOr<std::string> ReadFlagged(const char* flag, const std::filesystem::path& path) {
  absl::StatusOr<std::string> text = ReadFile(path, kFileLimit);
  if (!text.ok()) return Annotate(text.status(), flag);
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsCredentials>> TlsCredentials::Load(
    TlsOptions options, std::function<void(const TlsNews&)> tell) {
  std::unique_ptr<TlsCredentials> credentials(
      new TlsCredentials(std::move(options), std::move(tell)));
  credentials->seen_ = credentials->Look();
  credentials->looked_at_ = Clock::now();
  ASSIGN_OR_RETURN(TlsContext first, credentials->Read(credentials->content_));
  credentials->Use(std::move(first));
  return credentials;
}

TlsCredentials::TlsCredentials(TlsOptions options, std::function<void(const TlsNews&)> tell)
    : options_(std::move(options)), tell_(std::move(tell)) {}

TlsCredentials::Identities TlsCredentials::Look() const {
  Identities identities;
  std::size_t i = 0;
  for (const std::filesystem::path* path :
       {&options_.certificate, &options_.key, &options_.client_ca}) {
    struct stat status = {};
    Identity& identity = identities[i++];
    if (path->empty() || ::stat(path->c_str(), &status) != 0) continue;
    identity.device = status.st_dev;
    identity.inode = status.st_ino;
    identity.changed_ns =
        status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
    identity.size = status.st_size;
  }
  return identities;
}

absl::StatusOr<TlsContext> TlsCredentials::Read(std::string& content) const {
  TlsFiles files;
  const auto read = [this, &files]() -> absl::Status {
    ASSIGN_OR_RETURN(files.certificate, ReadFlagged("--tls-cert", options_.certificate));
    ASSIGN_OR_RETURN(files.key, ReadFlagged("--tls-key", options_.key));
    if (options_.client_ca.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(files.client_ca, ReadFlagged("--client-ca", options_.client_ca));
    return absl::OkStatus();
  };
  if (const absl::Status status = read(); !status.ok()) {
    content = std::string(status.message());
    return status;
  }
  std::string everything = absl::StrCat(files.certificate, files.key, files.client_ca);
  const Sha256Digest digest = Sha256Of(everything);
  content.assign(digest.begin(), digest.end());
  absl::StatusOr<TlsContext> context = MakeTlsContext(options_, files);
  ::OPENSSL_cleanse(everything.data(), everything.size());
  ::OPENSSL_cleanse(files.key.data(), files.key.size());
  return context;
}

void TlsCredentials::Use(TlsContext next) {
  current_ = std::move(next);
  not_after_ = current_.not_after;
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  if (current_.not_after < now) {
    tell_({.problem = true,
           .text = absl::StrCat("--tls-cert ", options_.certificate.string(), ": expired on ",
                                DateOf(current_.not_after),
                                " and is used all the same; clients will refuse it: renew it")});
  }
}

void TlsCredentials::Refresh(TimePoint now) {
  if (now - looked_at_ < kBetweenLooks) return;
  looked_at_ = now;
  const Identities identities = Look();
  if (identities == seen_) return;
  // Before reading: what changes in between is seen as a change the next time.
  seen_ = identities;
  std::string content;
  absl::StatusOr<TlsContext> next = Read(content);
  if (next.ok()) {
    bad_content_.clear();
    if (content == content_) return;
    content_ = content;
    Use(*std::move(next));
    tell_({.problem = false,
           .text = absl::StrCat("new connections get the certificate ", current_.serial, " of ",
                                options_.certificate.string(), ", valid until ",
                                DateOf(current_.not_after))});
    return;
  }
  if (content == bad_content_) return;
  bad_content_ = content;
  tell_({.problem = true,
         .text = absl::StrCat("the last good certificate ", current_.serial, ", valid until ",
                              DateOf(current_.not_after),
                              ", stays in use: ", std::string(next.status().message()),
                              ". The files are read again when they change")});
}

}  // namespace nodedevice
