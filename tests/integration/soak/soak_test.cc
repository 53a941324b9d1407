// The program soak plays a few steps of a seed with the real programs, and says what it is told to.

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(SoakTest, TwentyStepsOfASeedKeepEveryRule) {
  const TempDir dir;
  const ProgramResult soak =
      RunProgram({"soak", "--seed", "7", "--steps", "20", "--storm", "14", "--memory-only-printed"},
                 dir.path() / "soak.log");
  EXPECT_EQ(soak.code, 0) << soak.output;
  EXPECT_THAT(soak.output, AllOf(HasSubstr("seed 7"), HasSubstr("of which 14 storm"),
                                 HasSubstr("plugin tty"), HasSubstr("were checked and held")));
}

TEST(SoakTest, ItSaysWhatItCannotBeToldToDo) {
  const TempDir dir;
  EXPECT_EQ(RunProgram({"soak", "--steps", "-1"}, dir.path() / "soak.log").code, 2);
}

}  // namespace
}  // namespace nodedevice::testing
