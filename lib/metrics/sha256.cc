#include "lib/metrics/sha256.h"

#include <openssl/sha.h>

namespace nodedevice {

Sha256Digest Sha256Of(std::string_view text) {
  static_assert(std::tuple_size_v<Sha256Digest> == SHA256_DIGEST_LENGTH);
  Sha256Digest digest = {};
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace nodedevice
