#include "lib/kube/watch_frames.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using Type = WatchFrame::Type;

const std::string kStream =
    "{\"type\":\"ADDED\",\"object\":{\"a\":\"line\\nend\"}}\n"
    "\n"
    "{\"type\":\"MODIFIED\",\"object\":{\"b\":\"\xC3\xA4\"}}\r\n"
    " \t\n"
    "{\"object\":{},\"type\":\"DELETED\",\"more\":1}\n"
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}\n"
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\"}}\n";

std::vector<WatchFrame> FramesOfStream() {
  return {{Type::kAdded, {{"a", "line\nend"}}},
          {Type::kModified, {{"b", "\xC3\xA4"}}},
          {Type::kDeleted, Json::object()},
          {Type::kBookmark, {{"metadata", {{"resourceVersion", "7"}}}}},
          {Type::kError, {{"kind", "Status"}}}};
}

// What a line alone is refused with.
absl::Status Refusal(const std::string& line) {
  WatchFrames frames;
  std::vector<WatchFrame> out;
  const absl::Status status = frames.Take(line + "\n", out);
  EXPECT_TRUE(out.empty());
  return status;
}

TEST(WatchFramesTest, AStreamIsCutIntoItsFramesWhereverTheNetworkCutsIt) {
  for (std::size_t first = 0; first <= kStream.size(); ++first) {
    for (std::size_t second = first; second <= kStream.size(); second += 5) {
      WatchFrames frames;
      std::vector<WatchFrame> out;
      const std::string_view stream = kStream;
      ASSERT_TRUE(frames.Take(stream.substr(0, first), out).ok());
      ASSERT_TRUE(frames.Take(stream.substr(first, second - first), out).ok());
      ASSERT_TRUE(frames.Take(stream.substr(second), out).ok());
      ASSERT_EQ(out, FramesOfStream()) << "cut at " << first << " and " << second;
    }
  }
}

TEST(WatchFramesTest, AStreamComesByteByByte) {
  WatchFrames frames;
  std::vector<WatchFrame> out;
  for (const char byte : kStream) ASSERT_TRUE(frames.Take(std::string_view(&byte, 1), out).ok());
  EXPECT_EQ(out, FramesOfStream());
}

TEST(WatchFramesTest, AFrameWithoutItsLineEndIsNotYetOne) {
  WatchFrames frames;
  std::vector<WatchFrame> out;
  EXPECT_TRUE(frames.Take(R"({"type":"ADDED","object":{}})", out).ok());
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(frames.Take("\n", out).ok());
  EXPECT_EQ(out.size(), 1u);
}

TEST(WatchFramesTest, WhatIsNoFrameIsRefused) {
  for (const char* line : {"x", "[]", "null", "{", R"({"type":"ADDED","object":{}} {})",
                           "{\"type\":\"ADDED\",\"object\":{\"a\":\"\xFF\"}}"}) {
    EXPECT_EQ(Refusal(line).code(), absl::StatusCode::kDataLoss) << line;
    EXPECT_EQ(Refusal(line).message(), "a frame of the watch is not a JSON object") << line;
  }
  for (const char* line :
       {"{}", R"({"type":"ADDED"})", R"({"object":{}})", R"({"type":"ADDED","object":[]})",
        R"({"type":"ADDED","object":null})", R"({"type":1,"object":{}})"}) {
    EXPECT_EQ(Refusal(line).message(), "a frame of the watch lacks its type or its object") << line;
  }
  for (const char* line : {R"({"type":"added","object":{}})", R"({"type":"","object":{}})",
                           R"({"type":"SYNCED","object":{}})"}) {
    EXPECT_EQ(Refusal(line).message(), "a frame of the watch has an unknown type") << line;
  }
}

TEST(WatchFramesTest, FramesBeforeABadOneAreGivenAndNothingIsAcceptedAfterIt) {
  WatchFrames frames;
  std::vector<WatchFrame> out;
  const std::string good = R"({"type":"ADDED","object":{}})";
  const absl::Status status = frames.Take(good + "\nbad\n" + good + "\n", out);
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(out.size(), 1u);
  EXPECT_EQ(frames.Take(good + "\n", out), status);
  EXPECT_EQ(frames.Take("", out), status);
  EXPECT_EQ(out.size(), 1u);
}

TEST(WatchFramesTest, ALineMayBeAsLongAsTheLimitAndNoLonger) {
  const std::string line = R"({"type":"ADDED","object":{}})";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, line.size() + 1}) {
    for (const bool fits : {true, false}) {
      WatchFrames frames(line.size() - (fits ? 0 : 1));
      std::vector<WatchFrame> out;
      absl::Status status;
      const std::string whole = line + "\n" + line + "\n";
      for (std::size_t at = 0; at < whole.size(); at += piece) {
        status = frames.Take(std::string_view(whole).substr(at, piece), out);
      }
      EXPECT_EQ(out.size(), fits ? 2u : 0u);
      EXPECT_EQ(status.code(), fits ? absl::StatusCode::kOk : absl::StatusCode::kResourceExhausted);
    }
  }
}

TEST(WatchFramesTest, ALineWithoutEndIsRefusedBeforeItFillsTheMemory) {
  WatchFrames frames(1000);
  std::vector<WatchFrame> out;
  absl::Status status;
  int taken = 0;
  while (status.ok() && taken < 1000) {
    status = frames.Take("0123456789", out);
    ++taken;
  }
  EXPECT_EQ(taken, 101);
  EXPECT_EQ(status.message(), "a frame of the watch is larger than 1000 bytes");
}

}  // namespace
}  // namespace nodedevice
