#include "plugin/nvidia/mig_profile.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

// Reads "12<unit>" at the beginning and moves on.
bool ConsumeNumber(std::string_view unit, std::string_view& text) {
  std::size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits]))) {
    ++digits;
  }
  if (digits == 0 || digits > 4 || !text.substr(digits).starts_with(unit)) return false;
  text.remove_prefix(digits + unit.size());
  return true;
}

bool IsProfile(std::string_view text) {
  ConsumeNumber("c.", text);
  if (!ConsumeNumber("g.", text) || !ConsumeNumber("gb", text)) return false;
  // What may follow: "+me", "+me.all", "+gfx", "-me".
  if (text.empty()) return true;
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return false;
  for (const char c : text.substr(1)) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '+' && c != '-') {
      return false;
    }
  }
  return absl::ascii_isalnum(static_cast<unsigned char>(text.back()));
}

}  // namespace

std::optional<std::string> MigProfileOfName(std::string_view name) {
  constexpr std::string_view kMark = "MIG ";
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view profile = name.substr(mark + kMark.size());
  if (!IsProfile(profile)) return std::nullopt;
  return std::string(profile);
}

std::string MigProfileOf(unsigned compute_slices, unsigned gpu_slices, std::uint64_t memory_mib,
                         std::uint64_t gpu_bytes) {
  constexpr double kEighths = 8;
  constexpr double kMiB = 1024.0 * 1024;
  const double share = gpu_bytes == 0 ? 0
                                      : std::ceil(static_cast<double>(memory_mib) * kMiB /
                                                  static_cast<double>(gpu_bytes) * kEighths) /
                                            kEighths;
  const double gpu_gib = std::ceil(static_cast<double>(gpu_bytes) / (1024 * kMiB));
  const std::string whole = absl::StrCat(
      gpu_slices, "g.", static_cast<std::uint64_t>(std::llround(share * gpu_gib)), "gb");
  return compute_slices == gpu_slices ? whole : absl::StrCat(compute_slices, "c.", whole);
}

bool IsWholeMigProfile(std::string_view profile) {
  return profile.find("c.") == std::string_view::npos;
}

}  // namespace nodedevice
