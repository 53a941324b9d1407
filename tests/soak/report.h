#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/samples.h"
#include "tests/soak/figures.h"
#include "tests/soak/player.h"
#include "tests/soak/step.h"

namespace nodedevice::soak {

// What a soak has to say. A value.
struct Report {
  std::uint64_t seed = 0;
  double minutes = 0;
  int steps = 0;
  int storm_steps = 0;
  long facts = 0;
  std::array<int, kKinds> count = {};
  std::map<Kind, bench::Samples> kubelet;  // how long until it had everything
  std::map<Kind, bench::Samples> all;
  std::vector<Course> courses;

  void Add(const Step& step);
  void Add(const Step& step, const Settled& settled);
  bool IsFlat() const;
};

// Tables for people.
std::string ToText(const Report& report, std::size_t marks);

}  // namespace nodedevice::soak
