#include "plugin/zcrypt/ap_mask.h"

#include "absl/strings/ascii.h"

namespace nodedevice {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr std::string_view kPrefix = "0x";
constexpr std::size_t kCount = ApMask().size() / 4;

}  // namespace

ApMask OnlyBit(int bit) { return ApMask().set(static_cast<std::size_t>(bit)); }

std::string ToText(const ApMask& mask) {
  std::string text(kPrefix);
  for (std::size_t i = 0; i < mask.size(); i += 4) {
    const unsigned digit = (mask[i] ? 8u : 0u) | (mask[i + 1] ? 4u : 0u) | (mask[i + 2] ? 2u : 0u) |
                           (mask[i + 3] ? 1u : 0u);
    text.push_back(kDigits[digit]);
  }
  return text + "\n";
}

std::optional<ApMask> ParseApMask(std::string_view text) {
  const absl::string_view trimmed =
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size()));
  std::string_view rest(trimmed.data(), trimmed.size());
  if (!rest.starts_with(kPrefix)) return std::nullopt;
  rest.remove_prefix(kPrefix.size());
  if (rest.size() != kCount) return std::nullopt;
  ApMask mask;
  for (std::size_t i = 0; i < kCount; ++i) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(rest[i]));
    const std::size_t digit = std::string_view(kDigits).find(lower);
    if (digit == std::string_view::npos) return std::nullopt;
    for (std::size_t bit = 0; bit < 4; ++bit) mask[i * 4 + bit] = (digit >> (3 - bit)) & 1;
  }
  return mask;
}

}  // namespace nodedevice
