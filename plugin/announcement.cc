#include "plugin/announcement.h"

#include <charconv>

namespace nodedevice {

const Device* Announcement::Find(std::string_view wire_id) const {
  std::string_view base = wire_id;
  if (replicas > 1) {
    base = BaseId(wire_id);
    if (base.size() == wire_id.size()) return nullptr;
    const std::string_view number = wire_id.substr(base.size() + 2);
    int replica = -1;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), replica);
    const bool canonical = number == "0" || (!number.empty() && number[0] != '0');
    if (error != std::errc() || end != number.data() + number.size() || !canonical || replica < 0 ||
        replica >= replicas) {
      return nullptr;
    }
  }
  const auto found = devices.find(base);
  return found == devices.end() ? nullptr : &found->second;
}

}  // namespace nodedevice
