#include "lib/service/tls_flags.h"

#include "CLI/CLI.hpp"
#include "lib/base/log.h"

namespace nodedevice {

void AddTlsFlags(CLI::App& app, TlsFlags& flags) {
  CLI::Option* certificate =
      app.add_option("--tls-cert", flags.tls.certificate,
                     "serve HTTPS with this certificate (PEM, with its chain); read again when it "
                     "changes")
          ->type_name("FILE");
  CLI::Option* key = app.add_option("--tls-key", flags.tls.key, "its private key (PEM)")
                         ->type_name("FILE")
                         ->needs(certificate);
  certificate->needs(key);
  CLI::Option* client_ca =
      app.add_option("--client-ca", flags.tls.client_ca,
                     "let in clients with a certificate that this bundle (PEM) verifies")
          ->type_name("FILE")
          ->needs(certificate);
  app.add_option("--client-name", flags.client_names,
                 "and whose subject has this common name; may be given again")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->needs(client_ca)
      ->capture_default_str();
  app.add_option("--tls-min-version", flags.tls.min_version, "VersionTLS12 or VersionTLS13")
      ->check(CLI::IsMember({"VersionTLS12", "VersionTLS13"}))
      ->needs(certificate)
      ->capture_default_str();
  app.add_option("--tls-cipher-suites", flags.tls.cipher_suites,
                 "suites for TLS 1.2, with commas between, by their OpenSSL or IANA names")
      ->type_name("NAMES")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->needs(certificate);
}

absl::StatusOr<std::unique_ptr<TlsCredentials>> LoadTls(const TlsOptions& options) {
  if (options.certificate.empty()) return nullptr;
  return TlsCredentials::Load(options, [](const TlsNews& news) {
    spdlog::log(news.problem ? spdlog::level::warn : spdlog::level::info, news.text);
  });
}

}  // namespace nodedevice
