#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice {

// How many nodes are so, and what the first of them say: for the message of a condition, which has
// room for a few of thousands.
struct Tally {
  static constexpr std::size_t kMaxExamples = 3;

  std::uint64_t count = 0;
  std::vector<std::string> examples;

  void Add(const std::string& example) {
    if (++count <= kMaxExamples) examples.push_back(example);
  }
  std::string ToString() const {
    return absl::StrCat(absl::StrJoin(examples, "; "), count > examples.size() ? "; and more" : "");
  }
};

// "2 of 3 nodes"
inline std::string PartOf(std::uint64_t part, std::uint64_t all) {
  return absl::StrCat(part, " of ", all, all == 1 ? " node" : " nodes");
}

}  // namespace nodedevice
