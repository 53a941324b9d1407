#pragma once

#include <string>
#include <vector>

#include "lib/base/status.h"

namespace nodedevice {

// The cipher list of these suites for TLS 1.2 in OpenSSL's form; no suites: a good choice. Empty
// when all of them are of TLS 1.3. A name that OpenSSL does not know, or whose suite does not
// encrypt or does not prove who the server is, is an error that names --tls-cipher-suites.
absl::StatusOr<std::string> Tls12Ciphers(const std::vector<std::string>& suites);

}  // namespace nodedevice
