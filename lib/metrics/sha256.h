#pragma once

#include <array>
#include <string_view>

namespace nodedevice {

// Enough to recognise a text, not to have it.
using Sha256Digest = std::array<unsigned char, 32>;
Sha256Digest Sha256Of(std::string_view text);

}  // namespace nodedevice
