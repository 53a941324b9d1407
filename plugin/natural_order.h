#pragma once

#include <string_view>

namespace nodedevice {

// Orders names as people count: "tty2" before "tty10". A strict weak order on all strings: equal
// numbers of different width fall back to plain comparison.
struct NaturalLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

}  // namespace nodedevice
