#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

namespace nodedevice {

// 256 bits as the kernel's AP bus writes them: "0x" and 64 hexadecimal digits, where bit 0 is the
// highest bit of the first digit.
using ApMask = std::bitset<256>;

// The mask of one card or one domain.
ApMask OnlyBit(int bit);

// With the end of line that sysfs has.
std::string ToText(const ApMask& mask);

// White space around it does not matter. The kernel writes all digits; fewer are none of its.
std::optional<ApMask> ParseApMask(std::string_view text);

}  // namespace nodedevice
