#include "plugin/zcrypt/apqn_id.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nodedevice {
namespace {

constexpr std::string_view kNode = "zcrypt-";
constexpr std::string_view kShadow = "sysfs-";

std::optional<ApqnId> ParseAfter(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return ParseApqnId(name.substr(prefix.size()));
}

}  // namespace

std::string ToText(const ApqnId& id) {
  return absl::StrCat("apqn-", id.adapter, "-", id.domain, "-", id.index);
}

std::optional<ApqnId> ParseApqnId(std::string_view text) {
  constexpr std::size_t kLongest = 32;
  if (text.size() > kLongest) return std::nullopt;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '-');
  ApqnId id;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[1], &id.adapter) ||
      !absl::SimpleAtoi(parts[2], &id.domain) || !absl::SimpleAtoi(parts[3], &id.index)) {
    return std::nullopt;
  }
  if (id.adapter > 255 || id.domain > 255 || ToText(id) != text) return std::nullopt;
  return id;
}

std::string ZcryptNodeName(const ApqnId& id) { return std::string(kNode) + ToText(id); }

std::optional<ApqnId> ParseZcryptNodeName(std::string_view name) { return ParseAfter(kNode, name); }

std::string ShadowFolderName(const ApqnId& id) { return std::string(kShadow) + ToText(id); }

std::optional<ApqnId> ParseShadowFolderName(std::string_view name) {
  return ParseAfter(kShadow, name);
}

}  // namespace nodedevice
