#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nodedevice {

// `name` if it is at most `limit` bytes; else its beginning, a dash and a hash of the whole, which
// keeps long names apart. The same name always gives the same. REQUIRES: limit >= 32.
std::string BoundedName(std::string_view name, std::size_t limit);

}  // namespace nodedevice
