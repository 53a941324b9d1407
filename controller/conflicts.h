#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "controller/membership.h"
#include "controller/observed.h"

namespace nodedevice {

// One configuration that wants to announce resources on nodes.
struct Claim {
  std::string config = {};
  WallSeconds created = {};
  // What its entries name. Of one with errors also what its agents still announce by their last
  // good version.
  std::vector<std::string> resources = {};
  std::vector<std::size_t> nodes = {};  // indices of Observed::nodes, ascending
  bool can_be_refused = true;  // false: it is already, for another reason, but may still run
};

// Of two configurations that announce one resource on one node, the older keeps it, by creation,
// then by name; the newer is refused, and refused as a whole: the kubelet takes a resource away
// from both plugins when one of them ends. A refused one claims nothing, so it stands in nobody's
// way.
//
// By configuration: why it is refused, with both named, the resource and a node.
std::map<std::string, Refusal> FindConflicts(std::vector<Claim> claims,
                                             const std::vector<ObservedNode>& nodes);

}  // namespace nodedevice
