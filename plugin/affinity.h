#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/natural_order.h"

namespace nodedevice {

// How well pairs of devices work together; the more, the better. A value.
class Affinity {
 public:
  // Of both orders.
  void Set(const std::string& one, const std::string& other, int score);
  // 0 for a pair of which nothing is known.
  int Between(std::string_view one, std::string_view other) const;
  // Whether something is known of the device.
  bool Knows(std::string_view id) const { return scores_.contains(id); }
  bool operator==(const Affinity&) const = default;

 private:
  std::map<std::string, std::map<std::string, int, std::less<>>, std::less<>> scores_;
};

// The devices of `must_include` and `size - must_include.size()` of `pool`, so that the pairs among
// them score most together. Of equals, those that leave the best behind, and then those that come
// first. Pure; sorted by name. Tries all choices when they are few, as they are with 16 devices,
// and else takes one device after the other.
//
// REQUIRES: the two lists hold each device once, and enough of them.
std::vector<std::string> BestTogether(const Affinity& affinity,
                                      std::vector<std::string> must_include,
                                      std::vector<std::string> pool, std::size_t size);

}  // namespace nodedevice
