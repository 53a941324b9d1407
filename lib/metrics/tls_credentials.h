#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/clock.h"
#include "lib/metrics/tls_context.h"

namespace nodedevice {

// Worth a line in the log.
struct TlsNews {
  bool problem = false;
  std::string text;
};

// The certificate, key and client CA that a server uses, read again when the files change: a
// Secret's files are renewed on a running node. What cannot be used, such as a certificate whose
// key has not been written yet, is told once for each content of the files, and the last good ones
// stay in use. An expired certificate is told and used all the same: some clients do not mind, and
// no service at all helps nobody.
//
// Refresh() and context() are for one thread, the server's.
class TlsCredentials {
 public:
  static constexpr Duration kBetweenLooks = std::chrono::seconds(1);

  // Fails, naming the flag, when the files or options cannot be used. `tell` is called by Load()
  // and Refresh().
  static absl::StatusOr<std::unique_ptr<TlsCredentials>> Load(
      TlsOptions options, std::function<void(const TlsNews&)> tell);

  // Looks at the files, at most once in kBetweenLooks.
  void Refresh(TimePoint now);

  // For new connections; those that are open keep what they began with.
  ssl_ctx_st* context() const { return current_.context.get(); }

  // Unix seconds at which the certificate in use expires. Any thread.
  std::int64_t not_after() const { return not_after_; }

 private:
  // What a file was, to see that it is another one: a Secret's volume swaps symbolic links.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t changed_ns = 0;
    off_t size = -1;  // there is none
    bool operator==(const Identity&) const = default;
  };
  using Identities = std::array<Identity, 3>;

  TlsCredentials(TlsOptions options, std::function<void(const TlsNews&)> tell);

  Identities Look() const;
  // Reads the files; `content` becomes the digest of what was read, or why it could not be.
  absl::StatusOr<TlsContext> Read(std::string& content) const;
  void Use(TlsContext next);

  const TlsOptions options_;
  const std::function<void(const TlsNews&)> tell_;
  TlsContext current_;
  std::atomic<std::int64_t> not_after_ = 0;
  Identities seen_;
  TimePoint looked_at_;
  std::string content_;      // in use
  std::string bad_content_;  // that was told about; empty: none
};

}  // namespace nodedevice
