#include "tests/soak/figures.h"

#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::soak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<Mark> Marks(const std::vector<Figures>& agent) {
  std::vector<Mark> marks;
  for (const Figures& figures : agent) marks.push_back({{"agent", figures}});
  return marks;
}

Figures Of(std::int64_t kib, std::int64_t descriptors = 10, std::int64_t threads = 3) {
  return {.pid = 1, .private_kib = kib, .descriptors = descriptors, .threads = threads};
}

TEST(FiguresTest, AreThoseOfAProcess) {
  const absl::StatusOr<Figures> own = FiguresOf(::getpid());
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_GT(own->private_kib, 0);
  EXPECT_GE(own->descriptors, 3);
  EXPECT_GE(own->threads, 1);
  EXPECT_FALSE(FiguresOf(0).ok());
}

TEST(FiguresTest, MemoryMayGrowByTheAllowance) {
  const auto courses = Judge(Marks({Of(100), Of(120), Of(130), Of(140)}), 20);
  ASSERT_THAT(courses, SizeIs(1));
  EXPECT_EQ(courses[0].memory_growth_kib, 20);
  EXPECT_THAT(courses[0].problems, IsEmpty());
  EXPECT_THAT(Judge(Marks({Of(100), Of(120), Of(130), Of(140)}), 19)[0].problems,
              ElementsAre(HasSubstr("up to 20 KiB more memory")));
  EXPECT_THAT(Judge(Marks({Of(100), Of(120), Of(130), Of(140)}), -1)[0].problems, IsEmpty());
}

TEST(FiguresTest, DescriptorsAndThreadsMayNotGrow) {
  EXPECT_THAT(Judge(Marks({Of(1, 10), Of(1, 11), Of(1, 10), Of(1, 12)}), 0)[0].problems,
              ElementsAre(HasSubstr("12 descriptors at the end and had 11 at most")));
  EXPECT_THAT(Judge(Marks({Of(1, 10, 3), Of(1, 10, 3), Of(1, 10, 3), Of(1, 10, 4)}), 0)[0].problems,
              ElementsAre(HasSubstr("4 threads at the end")));
  EXPECT_THAT(Judge(Marks({Of(1, 10), Of(1, 11), Of(1, 12), Of(1, 11)}), 0)[0].problems, IsEmpty());
}

TEST(FiguresTest, OnlyWhoLivedAllTheTimeIsJudgedAndOnlyWithEnoughMarks) {
  std::vector<Mark> marks = Marks({Of(1), Of(1), Of(1000), Of(1000)});
  EXPECT_THAT(Judge(marks, 0)[0].problems, SizeIs(1));
  marks.back()["agent"].pid = 2;
  EXPECT_THAT(Judge(marks, 0), IsEmpty());
  EXPECT_THAT(Judge(Marks({Of(1), Of(1000)}), 0)[0].problems, IsEmpty());
  EXPECT_THAT(Judge({}, 0), IsEmpty());
}

}  // namespace
}  // namespace nodedevice::soak
