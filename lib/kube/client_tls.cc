#include "lib/kube/client_tls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <memory>
#include <utility>

#include "lib/base/process.h"

namespace nodedevice {
namespace {

// How long a peer that vanished is taken for a slow one.
constexpr int kKeepAliveSeconds = 15;
constexpr int kKeepAliveProbes = 3;
constexpr int kUnansweredMilliseconds = 45'000;

// OpenSSL tidies up when the program begins to exit, and cpprestsdk's threads end after that: one
// that is amid a handshake would use what is gone. So it is left to the end of the process. To be
// said before OpenSSL is first used, whoever does so.
[[maybe_unused]] const bool kOpenSslIsLeftAtExit =
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr) == 1;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Bio = std::unique_ptr<BIO, BioDeleter>;
using Certificate = std::unique_ptr<X509, X509Deleter>;

Bio OpenPem(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// These and nobody else: cpprestsdk has already put the authorities of the machine there.
void TrustOnly(SSL_CTX* context, const std::string& pem) {
  SSL_CTX_set_cert_store(context, X509_STORE_new());
  const Bio bio = OpenPem(pem);
  while (const Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
  }
}

using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

// Where an SSL object keeps its TlsStream.
int StreamIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Where an SSL_CTX keeps its share of the HandshakeProblem.
int ProblemIndex() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void* /*context*/, void* problem, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<std::shared_ptr<HandshakeProblem>*>(problem);
      });
  return index;
}

// Whoever ends a connection for a reason says so in a fatal alert: we, or the server.
void OnAlert(const SSL* ssl, int alert) {
  const auto* problem = static_cast<std::shared_ptr<HandshakeProblem>*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ProblemIndex()));
  if (alert >> 8 != SSL3_AL_FATAL || problem == nullptr) return;
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict == X509_V_ERR_UNSPECIFIED) {
    // Of all that is checked, the name is the one that OpenSSL does not know of.
    (*problem)->Set("the certificate is for another name");
  } else {
    (*problem)->Set(verdict == X509_V_OK ? SSL_alert_desc_string_long(alert)
                                         : X509_verify_cert_error_string(verdict));
  }
}

// Called by OpenSSL as a connection goes on. Looks at one beginning only: later ones, such as for a
// session ticket, may race with the end of the connection.
void OnHandshake(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_ALERT) != 0) return OnAlert(ssl, value);
  auto* stream = static_cast<TlsStream*>(SSL_get_ex_data(ssl, StreamIndex()));
  if ((where & SSL_CB_HANDSHAKE_START) == 0 || stream == nullptr) return;
  SSL_set_ex_data(const_cast<SSL*>(ssl), StreamIndex(), nullptr);
  const int fd = stream->lowest_layer().native_handle();
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveSeconds, sizeof(kKeepAliveSeconds));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveSeconds, sizeof(kKeepAliveSeconds));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepAliveProbes, sizeof(kKeepAliveProbes));
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnansweredMilliseconds,
               sizeof(kUnansweredMilliseconds));
}

}  // namespace

void DoNotReadMachineAuthorities() {
  SetOwnVariable(X509_get_default_cert_file_env(), "/dev/null");
  SetOwnVariable(X509_get_default_cert_dir_env(), "/dev/null");
}

// It is called when the stream has no socket yet; the handshake is when it has one.
void NoticeDeadPeers(void* tls_stream) {
  auto* stream = static_cast<TlsStream*>(tls_stream);
  if (stream->lowest_layer().is_open()) return;  // used before
  SSL_set_ex_data(stream->native_handle(), StreamIndex(), stream);
}

void ConfigureTls(boost::asio::ssl::context& context, const TlsMaterial& material,
                  std::shared_ptr<HandshakeProblem> problem) {
  SSL_CTX* native = context.native_handle();
  SSL_CTX_set_ex_data(native, ProblemIndex(),
                      new std::shared_ptr<HandshakeProblem>(std::move(problem)));
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_info_callback(native, &OnHandshake);
  if (!material.ca.empty()) TrustOnly(native, material.ca);
  if (material.certificate.empty()) return;
  boost::system::error_code ignored;
  context.use_certificate_chain(
      boost::asio::buffer(material.certificate.data(), material.certificate.size()), ignored);
  context.use_private_key(boost::asio::buffer(material.key.data(), material.key.size()),
                          boost::asio::ssl::context::pem, ignored);
}

}  // namespace nodedevice
