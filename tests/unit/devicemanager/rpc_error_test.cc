#include "devicemanager/rpc_error.h"

#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

TEST(RpcErrorTest, ReadsAsInTheKubelet) {
  EXPECT_EQ(GoErrorText({grpc::StatusCode::UNAVAILABLE, "gone"}),
            "rpc error: code = Unavailable desc = gone");
  EXPECT_EQ(GoErrorText({grpc::StatusCode::CANCELLED, "x"}), "rpc error: code = Canceled desc = x");
  EXPECT_EQ(GoErrorText({grpc::StatusCode::UNAUTHENTICATED, "x"}),
            "rpc error: code = Unauthenticated desc = x");
}

TEST(RpcErrorTest, KeepsTheCode) {
  const absl::Status status = FromGrpc({grpc::StatusCode::UNIMPLEMENTED, "no such call"});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "rpc error: code = Unimplemented desc = no such call");
}

}  // namespace
}  // namespace nodedevice::devicemanager
