#include "lib/metrics/listen_address.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

TEST(ListenAddressTest, ReadsBothFamilies) {
  const auto v4 = ParseListenAddress("127.0.0.1:9807");
  ASSERT_TRUE(v4.ok()) << v4.status();
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 9807);
  EXPECT_TRUE(v4->loopback);
  EXPECT_EQ(v4->ToString(), "127.0.0.1:9807");

  const auto v6 = ParseListenAddress("[::1]:0");
  ASSERT_TRUE(v6.ok()) << v6.status();
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 0);
  EXPECT_TRUE(v6->loopback);
  EXPECT_EQ(v6->ToString(), "[::1]:0");
}

TEST(ListenAddressTest, TellsLoopbackFromTheRest) {
  EXPECT_TRUE(ParseListenAddress("127.8.9.1:1")->loopback);
  for (const char* text : {"0.0.0.0:1", "128.0.0.1:1", "10.0.0.1:1", "[::]:1", "[fe80::1]:1"}) {
    EXPECT_FALSE(ParseListenAddress(text)->loopback) << text;
  }
}

TEST(ListenAddressTest, RefusesWhatIsNotANumericAddressAndAPort) {
  for (const char* text : {"", "9807", ":9807", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                           "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80 ", "localhost:9807",
                           "::1:9807", "[::1]", "[]:1", "127.0.0.1:80,0.0.0.0:80"}) {
    const auto address = ParseListenAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_THAT(std::string(address.status().message()),
                ::testing::StartsWith(absl::StrCat("--listen ", text, ": expected")));
  }
}

}  // namespace
}  // namespace nodedevice::testing
