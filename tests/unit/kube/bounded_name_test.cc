#include "lib/kube/bounded_name.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

TEST(BoundedNameTest, AShortNameIsItself) {
  EXPECT_EQ(BoundedName("w7.rig", 63), "w7.rig");
  EXPECT_EQ(BoundedName(std::string(63, 'x'), 63), std::string(63, 'x'));
}

TEST(BoundedNameTest, AHashStandsForTheEndOfALongOne) {
  const std::string name = std::string(60, 'x') + ".rig";
  const std::string bounded = BoundedName(name, 63);
  EXPECT_EQ(bounded.size(), 63u);
  EXPECT_TRUE(bounded.starts_with(std::string(46, 'x') + "-"));
  EXPECT_EQ(bounded, BoundedName(name, 63));
  EXPECT_NE(bounded, BoundedName(name + "2", 63));
}

TEST(BoundedNameTest, NoDotOrDashBeforeTheHash) {
  const std::string bounded = BoundedName("a" + std::string(100, '-'), 63);
  EXPECT_EQ(bounded.size(), 18u);
  EXPECT_TRUE(bounded.starts_with("a-"));
}

}  // namespace
}  // namespace nodedevice
