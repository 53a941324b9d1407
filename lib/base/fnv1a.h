#pragma once

#include <cstdint>
#include <string_view>

namespace nodedevice {

// The 64 bits of FNV-1a: keeps texts apart that are not made to collide. Names of devices and
// objects are made of it, so it never changes.
constexpr std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3u;
  }
  return hash;
}

}  // namespace nodedevice
