#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/host_root.h"

namespace nodedevice {

// Path patterns with *, ? and [...] in any part. A wildcard does not match '/', nor a leading dot.

bool HasWildcard(std::string_view pattern);

// Whether `text` matches the one-part `pattern`. On success `captures` (if not null) gets the text
// that each wildcard matched, in order. Linear in the product of the two lengths.
bool MatchPart(std::string_view pattern, std::string_view text, std::vector<std::string>* captures);

struct GlobMatch {
  std::string host_path;
  std::vector<std::string> captures;  // of all parts, in order
  bool operator==(const GlobMatch&) const = default;
};

// All paths on the host that match, in no particular order. Every directory that had to be looked
// into, or that would have been if it existed, is added to `directories` (below the host root): an
// entry that appears or vanishes there can change the answer.
std::vector<GlobMatch> ExpandGlob(const HostRoot& host, std::string_view pattern,
                                  std::set<std::filesystem::path>* directories);

}  // namespace nodedevice
