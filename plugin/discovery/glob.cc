#include "plugin/discovery/glob.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

namespace nodedevice {
namespace {

// Matches `c` against the bracket expression at pattern[*at] == '['; moves *at behind it.
bool MatchBracket(std::string_view pattern, std::size_t* at, char c) {
  std::size_t i = *at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool matched = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    char low = pattern[i++];
    char high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      high = pattern[i + 1];
      i += 2;
    }
    if (low <= c && c <= high) matched = true;
  }
  *at = i < pattern.size() ? i + 1 : i;
  return matched != negated;
}

struct Walk {
  const HostRoot& host;
  std::vector<std::string> parts;
  std::set<std::filesystem::path>* directories;
  std::vector<GlobMatch> found;

  // Everything that matches parts[index...] below `base` ("" is the root).
  void Descend(std::size_t index, const std::string& base, std::vector<std::string>* captures) {
    const std::string& part = parts[index];
    const bool last = index + 1 == parts.size();
    // A literal part before the last is simply walked through: if it does not exist, the directory
    // watch stands on its nearest parent.
    if (!HasWildcard(part)) {
      const std::string path = base + "/" + part;
      if (!last) return Descend(index + 1, path, captures);
      directories->insert(host.Resolve(base.empty() ? "/" : base));
      struct stat info;
      if (::lstat(host.Resolve(path).c_str(), &info) == 0) found.push_back({path, *captures});
      return;
    }
    const std::filesystem::path directory = host.Resolve(base.empty() ? "/" : base);
    directories->insert(directory);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), ::closedir);
    if (listing == nullptr) return;
    while (const dirent* entry = ::readdir(listing.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == ".." || (name[0] == '.' && part[0] != '.')) continue;
      const std::size_t kept = captures->size();
      if (MatchPart(part, name, captures)) {
        const std::string path = base + "/" + std::string(name);
        if (last) {
          found.push_back({path, *captures});
        } else {
          Descend(index + 1, path, captures);
        }
      }
      captures->resize(kept);
    }
  }
};

}  // namespace

bool HasWildcard(std::string_view pattern) {
  return pattern.find_first_of("*?[") != std::string_view::npos;
}

bool MatchPart(std::string_view pattern, std::string_view text,
               std::vector<std::string>* captures) {
  // The classic walk that goes back to the last star only: earlier stars keep the shortest text.
  struct Capture {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Capture> taken;
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_capture = 0;
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size()) {
      if (pattern[p] == '*') {
        star = p++;
        star_capture = taken.size();
        taken.push_back({t, t});
        continue;
      }
      if (t < text.size()) {
        std::size_t next = p + 1;
        const bool wild = pattern[p] == '?' || pattern[p] == '[';
        const bool matched = pattern[p] == '?'   ? true
                             : pattern[p] == '[' ? (next = p, MatchBracket(pattern, &next, text[t]))
                                                 : pattern[p] == text[t];
        if (matched) {
          if (wild) taken.push_back({t, t + 1});
          p = next;
          ++t;
          continue;
        }
      }
    }
    if (star == std::string_view::npos || taken[star_capture].end >= text.size()) return false;
    taken.resize(star_capture + 1);  // the star takes one more character, and we try again
    t = ++taken[star_capture].end;
    p = star + 1;
  }
  if (captures != nullptr) {
    for (const Capture& capture : taken) {
      captures->emplace_back(text.substr(capture.begin, capture.end - capture.begin));
    }
  }
  return true;
}

std::vector<GlobMatch> ExpandGlob(const HostRoot& host, std::string_view pattern,
                                  std::set<std::filesystem::path>* directories) {
  Walk walk{.host = host, .parts = {}, .directories = directories, .found = {}};
  for (std::size_t from = 0; from < pattern.size();) {
    const std::size_t to = std::min(pattern.find('/', from), pattern.size());
    if (to > from) walk.parts.emplace_back(pattern.substr(from, to - from));
    from = to + 1;
  }
  std::vector<std::string> captures;
  if (!walk.parts.empty()) walk.Descend(0, "", &captures);
  return std::move(walk.found);
}

}  // namespace nodedevice
