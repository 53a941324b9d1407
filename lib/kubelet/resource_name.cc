#include "lib/kubelet/resource_name.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace nodedevice {
namespace {

constexpr std::string_view kQuotaPrefix = "requests.";
constexpr std::size_t kDomainLimit = 253;
constexpr std::size_t kLocalLimit = 63;

absl::Status Bad(std::string_view name, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", absl::string_view(name.data(), name.size()),
      "' is not an extended resource name: ", absl::string_view(why.data(), why.size())));
}

bool IsLowerAlnum(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

// As the kubelet: a subdomain is limited as a whole, not label by label.
bool IsSubdomainLabel(std::string_view label) {
  if (label.empty()) return false;
  if (!IsLowerAlnum(label.front()) || !IsLowerAlnum(label.back())) return false;
  for (const char c : label) {
    if (!IsLowerAlnum(c) && c != '-') return false;
  }
  return true;
}

}  // namespace

absl::Status ValidateExtendedResourceName(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return Bad(name, "it has no domain, as in example.com/name");
  const std::string_view domain = name.substr(0, slash);
  const std::string_view local = name.substr(slash + 1);
  if (name.find("kubernetes.io/") != std::string_view::npos) {
    return Bad(name, "the domain kubernetes.io is reserved");
  }
  if (name.substr(0, kQuotaPrefix.size()) == kQuotaPrefix) {
    return Bad(name, "it starts with 'requests.'");
  }
  if (local.find('/') != std::string_view::npos) return Bad(name, "it has more than one '/'");
  if (domain.size() + kQuotaPrefix.size() > kDomainLimit) {
    return Bad(name, absl::StrCat("its domain is longer than ", kDomainLimit - kQuotaPrefix.size(),
                                  " characters"));
  }
  for (const absl::string_view label :
       absl::StrSplit(absl::string_view(domain.data(), domain.size()), '.')) {
    if (!IsSubdomainLabel({label.data(), label.size()})) {
      return Bad(name, "its domain is not made of lower case letters, digits, '-' and '.'");
    }
  }
  if (local.empty()) return Bad(name, "nothing stands after the '/'");
  if (local.size() > kLocalLimit) return Bad(name, "more than 63 characters stand after the '/'");
  if (!absl::ascii_isalnum(local.front()) || !absl::ascii_isalnum(local.back())) {
    return Bad(name, "the part after the '/' must begin and end with a letter or digit");
  }
  for (const char c : local) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '_' && c != '.') {
      return Bad(name, "the part after the '/' may hold letters, digits, '-', '_' and '.'");
    }
  }
  return absl::OkStatus();
}

}  // namespace nodedevice
