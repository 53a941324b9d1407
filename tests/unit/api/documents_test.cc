// The parser's verdict on each document of tests/documents; the story documents_story asks a real
// API server for its own.

#include "tests/support/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "lib/api/device_plugin_config.h"

namespace nodedevice::testing {
namespace {

using ::testing::StartsWith;

TEST(DocumentsTest, TheParserSaysWhatEachDocumentExpects) {
  for (const Document& document : Documents()) {
    const std::vector<FieldError> errors = ParseDevicePluginConfigYaml(document.text).errors;
    if (document.agent.empty()) {
      EXPECT_TRUE(errors.empty()) << document.path << "\n" << ToString(errors);
      continue;
    }
    EXPECT_EQ(errors.size(), 1u) << document.path << "\n" << ToString(errors);
    EXPECT_THAT(ToString(errors), StartsWith(document.agent)) << document.path;
  }
}

TEST(DocumentsTest, ThereAreDocumentsOfEveryKind) {
  std::map<std::string, int> count;
  for (const Document& document : Documents()) ++count[document.folder];
  EXPECT_GE(count["accepted"], 20);
  EXPECT_GE(count["refused"], 150);
  EXPECT_GE(count["unknown-fields"], 20);
  EXPECT_GE(count["refused-by-the-agent-only"], 1);
  EXPECT_GE(count["refused-by-the-api-server-only"], 1);
}

}  // namespace
}  // namespace nodedevice::testing
