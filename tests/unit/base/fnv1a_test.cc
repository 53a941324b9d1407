#include "lib/base/fnv1a.h"

#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

// The values that FNV's authors publish: names that nodes have already are made of it.
TEST(Fnv1aTest, IsTheOneThatEverybodyKnows) {
  EXPECT_EQ(Fnv1a(""), 0xcbf29ce484222325u);
  EXPECT_EQ(Fnv1a("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(Fnv1a("foobar"), 0x85944171f73967e8u);
}

TEST(Fnv1aTest, TakesEveryByteAsUnsigned) {
  EXPECT_EQ(Fnv1a("\xff"), (0xcbf29ce484222325u ^ 0xFFu) * 0x100000001b3u);
}

}  // namespace
}  // namespace nodedevice::testing
