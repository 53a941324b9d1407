#include "lib/api/dns_label.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "lib/api/field_reader.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxLabel = 63;

}  // namespace

absl::Status CheckDnsLabel(std::string_view name) {
  const auto is_alnum = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c));
  };
  const bool good =
      !name.empty() && name.size() <= kMaxLabel && is_alnum(name.front()) &&
      is_alnum(name.back()) &&
      std::all_of(name.begin(), name.end(), [&](char c) { return is_alnum(c) || c == '-'; });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be a DNS label (1 to 63 lower case letters, digits and '-', with a letter "
                   "or digit at both ends), is ",
                   Quoted(name)));
}

}  // namespace nodedevice
