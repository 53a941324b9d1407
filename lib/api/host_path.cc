#include "lib/api/host_path.h"

#include <algorithm>
#include <array>
#include <optional>

namespace nodedevice {
namespace {

constexpr std::array<std::string_view, 7> kAllowed = {"/dev/", "/sys/", "/var/", "/opt/",
                                                      "/run/", "/usr/", "/etc/"};
constexpr std::string_view kWildcards = "*?[";

absl::Status Bad(std::string_view why) { return absl::InvalidArgumentError(std::string(why)); }

absl::Status CheckParts(std::string_view path, bool slash_at_end) {
  if (!path.starts_with('/')) return Bad("must be an absolute path");
  path.remove_prefix(1);
  if (slash_at_end && path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return Bad("must not be the root folder");
  for (bool more = true; more;) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part == "..") return Bad("must not hold '..'");
    if (part == ".") return Bad("must not hold '.' as a part");
    if (part.empty()) return Bad("must not hold an empty part ('//', or '/' at the end)");
    more = slash != std::string_view::npos;
    if (more) path.remove_prefix(slash + 1);
  }
  return absl::OkStatus();
}

absl::Status CheckAllowed(std::string_view path, HostPathPolicy policy) {
  if (policy == HostPathPolicy::kAny) return absl::OkStatus();
  for (const std::string_view folder : kAllowed) {
    if (path.starts_with(folder)) return absl::OkStatus();
  }
  return Bad("must be below one of /dev, /sys, /var, /opt, /run, /usr, /etc");
}

// glob(3) lets ".*" match "..": a pattern must not climb out of the allowed folders that way.
bool HasHiddenWildcard(std::string_view pattern) {
  for (std::size_t dot = 0; (dot = pattern.find("/.", dot)) < pattern.size(); ++dot) {
    const std::string_view part = pattern.substr(dot + 1, pattern.find('/', dot + 1) - dot - 1);
    if (part.find_first_of(kWildcards) != std::string_view::npos) return true;
  }
  return false;
}

// Where the wildcard that begins at `at` ends; nullopt for a '[' that is never closed. A ']' right
// after the '[' or the negation is a member of the set, as in the shell.
std::optional<std::size_t> WildcardEnd(std::string_view pattern, std::size_t at) {
  if (pattern[at] != '[') return at + 1;
  std::size_t end = at + 1;
  if (end < pattern.size() && (pattern[end] == '!' || pattern[end] == '^')) ++end;
  if (end < pattern.size() && pattern[end] == ']') ++end;
  end = pattern.find_first_of("]/", end);
  if (end == std::string_view::npos || pattern[end] == '/') return std::nullopt;
  return end + 1;
}

}  // namespace

absl::Status CheckHostPath(std::string_view path, HostPathPolicy policy) {
  RETURN_IF_ERROR(CheckParts(path, /*slash_at_end=*/false));
  return CheckAllowed(path, policy);
}

absl::Status CheckHostPattern(std::string_view pattern, HostPathPolicy policy) {
  RETURN_IF_ERROR(CheckHostPath(pattern, policy));
  if (pattern.find('\\') != std::string_view::npos) return Bad("must not hold a backslash");
  if (pattern.find("**") != std::string_view::npos) {
    return Bad("must not hold '**': a wildcard matches inside one part of the path");
  }
  if (HasHiddenWildcard(pattern)) {
    return Bad("must not hold a wildcard in a part that begins with '.'");
  }
  for (std::size_t at = 0; (at = pattern.find_first_of(kWildcards, at)) < pattern.size();) {
    const std::optional<std::size_t> end = WildcardEnd(pattern, at);
    if (!end) return Bad("has a '[' without its ']'");
    at = *end;
  }
  return absl::OkStatus();
}

absl::Status CheckContainerPath(std::string_view path, bool may_be_folder) {
  return CheckParts(path, may_be_folder);
}

std::size_t CountWildcards(std::string_view pattern) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = pattern.find_first_of(kWildcards, at)) < pattern.size(); ++count) {
    at = WildcardEnd(pattern, at).value_or(pattern.size());
  }
  return count;
}

}  // namespace nodedevice
