#include "plugin/device.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "lib/base/fnv1a.h"

namespace nodedevice {
namespace {

constexpr std::size_t kReadableLimit = 50;  // + '-' + 12 digits of hash = 63

}  // namespace

std::string MakeDeviceId(std::string_view readable, std::string_view identity) {
  std::string id(readable.substr(0, kReadableLimit));
  for (char& c : id) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_') c = '-';
  }
  constexpr std::uint64_t kTwelveDigits = (std::uint64_t{1} << 48) - 1;
  return absl::StrCat(id, "-", absl::Hex(Fnv1a(identity) & kTwelveDigits, absl::kZeroPad12));
}

}  // namespace nodedevice
