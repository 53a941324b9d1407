#include "devicemanager/conformance/words.h"

#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

TEST(ConformanceWordsTest, TimesAreShort) {
  EXPECT_EQ(Took(std::chrono::microseconds(312)), "0.3 ms");
  EXPECT_EQ(Took(milliseconds(41)), "41 ms");
  EXPECT_EQ(Took(milliseconds(4018)), "4.02 s");
}

TEST(ConformanceWordsTest, LongListsAreCut) {
  EXPECT_EQ(Ids({}), "[]");
  EXPECT_EQ(Ids({"a", "b"}), "[a, b]");
  EXPECT_EQ(Ids({"a", "b", "c", "d", "e", "f"}), "[a, b, c, d, ... 2 more]");
}

TEST(ConformanceWordsTest, WhatIsNotPrintableIsEscaped) {
  EXPECT_EQ(Quoted("a\n"), "'a\\n'");
  EXPECT_EQ(Quoted(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

TEST(ConformanceWordsTest, TheFirstComplaintsAreToldAndAllCounted) {
  Complaints complaints;
  EXPECT_EQ(complaints.OrElse("fine").verdict, Verdict::kPass);
  for (const char* text : {"a", "b", "a", "c", "d"}) complaints.Add(text);
  EXPECT_EQ(complaints.OrElse("fine").verdict, Verdict::kFail);
  EXPECT_EQ(complaints.OrElse("fine").seen, "a; b; c (5 times in all)");
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
