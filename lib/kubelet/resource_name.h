#pragma once

#include <string_view>

#include "lib/base/status.h"

namespace nodedevice {

// The kubelet's rule for the name of an extended resource, applied before it can refuse us:
// "<domain>/<name>", not of kubernetes.io, not starting with "requests.", and a qualified name once
// "requests." stands before it (the quota's spelling): a DNS-1123 subdomain of at most 253
// characters with that prefix, one "/", then 1 to 63 characters of letters, digits, '-', '_', '.'
// with a letter or digit at both ends. The error says which part is wrong.
absl::Status ValidateExtendedResourceName(std::string_view name);

}  // namespace nodedevice
