#include "tests/bench/samples.h"

#include <chrono>

#include "gtest/gtest.h"

namespace nodedevice::bench {
namespace {

using std::chrono::milliseconds;

Samples OneTo(int last) {
  Samples samples;
  for (int i = last; i >= 1; --i) samples.Add(milliseconds(i));
  return samples;
}

TEST(Samples, OneSampleIsEveryPercentile) {
  const Samples samples = OneTo(1);
  EXPECT_EQ(samples.Percentile(0), milliseconds(1));
  EXPECT_EQ(samples.Percentile(0.5), milliseconds(1));
  EXPECT_EQ(samples.Percentile(1), milliseconds(1));
}

TEST(Samples, PercentilesAreSamplesAndTheirOrderOfArrivalDoesNotMatter) {
  const Samples samples = OneTo(200);
  EXPECT_EQ(samples.Percentile(0), milliseconds(1));
  EXPECT_EQ(samples.Percentile(0.5), milliseconds(100));
  EXPECT_EQ(samples.Percentile(0.99), milliseconds(198));
  EXPECT_EQ(samples.Percentile(1), milliseconds(200));
}

}  // namespace
}  // namespace nodedevice::bench
