#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/mco/cluster.h"
#include "tests/support/mco/schedule.h"

namespace nodedevice::testing::mco {

// The pool that a node belongs to; empty: none. Of more than one custom pool none; else master
// before a custom pool, and a custom pool before worker. Never a Windows node.
std::string PoolOf(const nlohmann::json& node, const std::vector<nlohmann::json>& pools);

// How many nodes of the pool may be away at a time, of so many: a number or a part of them, at
// least one.
int MaxUnavailable(const nlohmann::json& pool, int nodes);

// Gives a pool's nodes, a few at a time, the configuration that they are to have, and counts in the
// pool's status where they are: some time after the pool or one of its nodes has changed. Until
// then the status is of before, Updated=True included.
class NodeController {
 public:
  explicit NodeController(Duration delay) : delay_(delay) {}

  void Step(const Cluster& cluster, const Moment& moment, Writes& writes);
  std::optional<TimePoint> NextTime() const;
  void Forget() { records_.clear(); }

 private:
  struct Record {
    std::string seen = {};
    Due due = {};
  };

  const Duration delay_;
  std::map<std::string, Record> records_;  // by the pool's name
};

}  // namespace nodedevice::testing::mco
