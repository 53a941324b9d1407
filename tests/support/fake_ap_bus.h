#pragma once

#include <string>

#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// The Adjunct Processor bus of a fake node: a tree below its /sys, as the kernel has it on IBM Z.
class FakeApBus {
 public:
  // A bus without cards, of a kernel that can make zcrypt nodes.
  explicit FakeApBus(const TempDir& node);

  void Plug(int adapter, const std::string& type = "CEX7C") const;
  // The card is plugged.
  void AddQueue(int adapter, int domain, const std::string& online = "1\n") const;
  // "sys/devices/ap/card03/type" and "sys/devices/ap/card03/03.0005/online", below the node.
  static std::string OfCard(int adapter, const std::string& file);
  static std::string OfQueue(int adapter, int domain, const std::string& file);

 private:
  const TempDir& node_;
};

}  // namespace nodedevice::testing
