#include "agent/bounded_lines.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class BoundedLinesTest : public ::testing::Test {
 protected:
  std::vector<std::pair<std::string, std::size_t>> seen_;
  BoundedLines lines_{
      8, [this](std::string_view line, std::size_t dropped) { seen_.emplace_back(line, dropped); }};
};

TEST_F(BoundedLinesTest, CutsAtNewlinesHoweverTheBytesArrive) {
  lines_.Add("one\ntw");
  EXPECT_THAT(seen_, ElementsAre(Pair("one", 0)));
  lines_.Add("o");
  lines_.Add("\n\nfour\n");
  EXPECT_THAT(seen_, ElementsAre(Pair("one", 0), Pair("two", 0), Pair("", 0), Pair("four", 0)));
}

TEST_F(BoundedLinesTest, KeepsTheBeginningOfALongLineAndCountsTheRest) {
  lines_.Add("12345678\n123456789\n12345");
  lines_.Add("67890abc\nnext\n");
  EXPECT_THAT(seen_, ElementsAre(Pair("12345678", 0), Pair("12345678", 1), Pair("12345678", 5),
                                 Pair("next", 0)));
}

TEST_F(BoundedLinesTest, HoldsNoMoreThanOneLineOfAnEndlessOne) {
  for (int i = 0; i < 1000; ++i) lines_.Add(std::string(1000, 'x'));
  EXPECT_THAT(seen_, IsEmpty());
  lines_.Finish();
  EXPECT_THAT(seen_, ElementsAre(Pair("xxxxxxxx", 999'992)));
}

TEST_F(BoundedLinesTest, GivesAnUnfinishedLineAtTheEndOnce) {
  lines_.Add("last words");
  lines_.Finish();
  lines_.Finish();
  EXPECT_THAT(seen_, ElementsAre(Pair("last wor", 2)));
}

}  // namespace
}  // namespace nodedevice::testing
