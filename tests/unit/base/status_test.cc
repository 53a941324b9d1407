#include "lib/base/status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace nodedevice {
namespace {

absl::StatusOr<int> Half(int number) {
  if (number % 2 != 0) return absl::InvalidArgumentError("odd");
  return number / 2;
}

absl::StatusOr<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status CheckBothEven(int a, int b) {
  RETURN_IF_ERROR(Half(a).status());
  RETURN_IF_ERROR(Annotate(Half(b).status(), "b"));
  return absl::OkStatus();
}

TEST(StatusTest, AssignOrReturnPassesTheValueOrTheErrorOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status(), absl::InvalidArgumentError("odd"));
}

TEST(StatusTest, ReturnIfErrorStopsAtTheFirstError) {
  EXPECT_TRUE(CheckBothEven(2, 2).ok());
  EXPECT_EQ(CheckBothEven(1, 1).message(), "odd");
  EXPECT_EQ(CheckBothEven(2, 1), absl::InvalidArgumentError("b: odd"));
}

TEST(StatusTest, AnnotateKeepsTheCodeAndLeavesSuccessAlone) {
  EXPECT_EQ(Annotate(absl::NotFoundError("gone"), "/dev/x"), absl::NotFoundError("/dev/x: gone"));
  EXPECT_TRUE(Annotate(absl::OkStatus(), "/dev/x").ok());
}

TEST(StatusTest, ErrnoBecomesTheCodeThatFits) {
  const absl::Status status = ErrnoStatus(ENOENT, "/dev/x");
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "/dev/x: No such file or directory");
}

}  // namespace
}  // namespace nodedevice
