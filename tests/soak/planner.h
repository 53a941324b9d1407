#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/soak/node.h"
#include "tests/soak/step.h"

namespace nodedevice::soak {

// A crash that repeats itself is given longer pauses by the agent; this many are healed within a
// second or so.
inline constexpr int kMostKills = 2;
// Between two marks, while the processes live on.
inline constexpr int kStepsToMark = 20;

enum class Part {
  kStorm,  // everything may happen
  kWear,   // what is measured lives on: agent, observer, kubelet, and the plugins of base entries
};

// Decides what happens next on the node. Pure: the same seed and the same nodes give the same
// steps, on every machine.
//
// In the wear the node is brought back to its first state every kStepsToMark steps, which ends with
// a kMark. The wear has its configuration from the API.
class Planner {
 public:
  explicit Planner(std::uint64_t seed) : random_(seed) {}

  // The next step on a node as `node` says. After a step that does not settle the next is one that
  // is sure to have one outcome all the same.
  Step Next(const Node& node, Part part);

  // From now on Next() brings the node back to its first state, and ends with a kMark.
  void Finish() { tidying_ = true; }

 private:
  struct Choice {
    Kind kind;
    int weight;
  };

  int Below(std::size_t limit) { return static_cast<int>(random_() % limit); }
  template <typename T>
  const T& OneOf(const std::vector<T>& all) {
    return all[random_() % all.size()];
  }

  std::vector<Choice> Choices(const Node& node, Part part) const;
  bool IsPossible(Kind kind, const Node& node, Part part) const;
  void Fill(const Node& node, Part part, Step& step);
  Step TidyUp(const Node& node);
  Asked Wishes(const Node& node);

  std::mt19937_64 random_;
  int number_ = 0;
  int since_mark_ = 0;
  bool tidying_ = false;
  bool is_settled_ = true;
};

}  // namespace nodedevice::soak
