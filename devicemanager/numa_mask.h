#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nodedevice::devicemanager {

using NumaNodes = std::vector<std::int64_t>;
// Nodes by device id; none for a device without topology.
using DeviceNodes = std::map<std::string, NumaNodes>;

// A set of NUMA nodes as the kubelet keeps it, with room for the numbers 0 to 63. Another number is
// never in it.
class NumaMask {
 public:
  static constexpr std::int64_t kMaxNode = 63;

  NumaMask() = default;
  explicit NumaMask(const NumaNodes& nodes) {
    for (const std::int64_t node : nodes) bits_ |= Bit(node);
  }

  bool Has(std::int64_t node) const { return (bits_ & Bit(node)) != 0; }
  bool HasAny(const NumaNodes& nodes) const { return (bits_ & NumaMask(nodes).bits_) != 0; }
  int Count() const { return std::popcount(bits_); }
  bool Empty() const { return bits_ == 0; }
  NumaNodes Nodes() const {
    NumaNodes nodes;
    for (std::int64_t node = 0; node <= kMaxNode; ++node) {
      if (Has(node)) nodes.push_back(node);
    }
    return nodes;
  }

  // Has fewer nodes, or as many and those with the lower numbers.
  bool IsNarrowerThan(NumaMask other) const {
    return Count() == other.Count() ? bits_ < other.bits_ : Count() < other.Count();
  }

  friend NumaMask operator&(NumaMask a, NumaMask b) {
    a.bits_ &= b.bits_;
    return a;
  }
  bool operator==(const NumaMask&) const = default;
  bool operator<(const NumaMask& other) const { return bits_ < other.bits_; }

 private:
  static std::uint64_t Bit(std::int64_t node) {
    return node < 0 || node > kMaxNode ? 0 : std::uint64_t{1} << node;
  }

  std::uint64_t bits_ = 0;
};

}  // namespace nodedevice::devicemanager
