#include "lib/base/log.h"

#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace nodedevice {
namespace {

TEST(LogTest, JsonLinesAreJsonWhateverTheMessageHolds) {
  ASSERT_TRUE(ConfigureLog("log-test-json", "json", "info").ok());
  const std::string message = "a \"quoted\" \\ and\nbroken\tline";
  ::testing::internal::CaptureStderr();
  spdlog::warn("{}", message);
  spdlog::debug("not shown");
  const nlohmann::json line = nlohmann::json::parse(::testing::internal::GetCapturedStderr());
  EXPECT_EQ(line["message"], message);
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["program"], "log-test-json");
}

TEST(LogTest, UnknownFormatsAndLevelsAreNamed) {
  EXPECT_EQ(ConfigureLog("log-test-format", "xml", "info").message(),
            "--log-format: 'xml' is neither text nor json");
  EXPECT_EQ(ConfigureLog("log-test-level", "text", "loud").message(),
            "--log-level: 'loud' is none of debug, info, warn, error");
}

}  // namespace
}  // namespace nodedevice
