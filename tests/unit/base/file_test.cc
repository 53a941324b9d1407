#include "lib/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <iterator>

#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using testing::TempDir;

std::size_t CountEntries(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), {}));
}

TEST(ReadFileTest, ReturnsEveryByte) {
  const TempDir dir;
  const std::string content = std::string("a\0b\n", 4) + std::string(10'000, 'x');
  EXPECT_EQ(*ReadFile(dir.Write("file", content), 20'000), content);
}

TEST(ReadFileTest, ReadsFilesThatSayTheyAreEmpty) {
  const absl::StatusOr<std::string> content = ReadFile("/proc/self/status", 1 << 16);
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_NE(content->find("Name:"), std::string::npos);
}

TEST(ReadFileTest, TakesTheLimitAndRefusesOneByteMore) {
  const TempDir dir;
  EXPECT_TRUE(ReadFile(dir.Write("file", "12345"), 5).ok());
  const absl::Status status = ReadFile(dir.Write("file", "123456"), 5).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_NE(status.message().find("more than 5 bytes"), std::string::npos) << status;
}

TEST(ReadFileTest, AnEndlessFileIsRefused) {
  EXPECT_TRUE(absl::IsResourceExhausted(ReadFile("/dev/zero", 4096).status()));
}

TEST(ReadFileTest, AMissingFileIsNotFoundAndNamed) {
  const TempDir dir;
  const absl::Status status = ReadFile(dir.path() / "nothing", 10).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(status.message().find("nothing"), std::string::npos) << status;
}

TEST(ReadFileTest, AFolderIsAnError) {
  const TempDir dir;
  EXPECT_FALSE(ReadFile(dir.path(), 10).ok());
}

TEST(ReadFileTest, AFifoThatNobodyWritesToDoesNotHang) {
  const TempDir dir;
  const absl::StatusOr<std::string> content = ReadFile(dir.MakeNode("fifo"), 10);
  EXPECT_TRUE(!content.ok() || content->empty());
}

TEST(ReadAttributeTest, StripsTheWhiteSpaceAround) {
  const TempDir dir;
  EXPECT_EQ(*ReadAttribute(dir.Write("vendor", "0x8086\n")), "0x8086");
  EXPECT_EQ(*ReadAttribute(dir.Write("label", " two words \n")), "two words");
}

TEST(WriteFileAtomicallyTest, ReplacesTheContentAndLeavesNothingBeside) {
  const TempDir dir;
  const std::filesystem::path path = dir.Write("file", "old and longer");
  ASSERT_TRUE(WriteFileAtomically(path, "new").ok());
  EXPECT_EQ(*ReadFile(path, 100), "new");
  EXPECT_EQ(CountEntries(dir.path()), 1u);
}

TEST(WriteFileAtomicallyTest, AReaderOfTheOldFileKeepsTheOldContent) {
  const TempDir dir;
  const std::filesystem::path path = dir.Write("file", "old");
  std::filesystem::create_hard_link(path, dir.path() / "kept");
  ASSERT_TRUE(WriteFileAtomically(path, "new").ok());
  EXPECT_EQ(*ReadFile(dir.path() / "kept", 100), "old");
}

TEST(WriteFileAtomicallyTest, FailureNamesThePathAndLeavesNothingBehind) {
  const TempDir dir;
  const std::filesystem::path folder = dir.path() / "folder";
  std::filesystem::create_directories(folder / "full");
  // A folder with content cannot be renamed over.
  const absl::Status status = WriteFileAtomically(folder, "x");
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(folder.string()), std::string::npos) << status;
  EXPECT_EQ(CountEntries(dir.path()), 1u);
}

TEST(NamesInTest, AreAllInByteOrder) {
  const TempDir dir;
  for (const char* name : {"b", "a10", "a2", ".hidden"}) dir.Write(name, "");
  std::filesystem::create_directory(dir.path() / "B");
  std::filesystem::create_symlink("nowhere", dir.path() / "c");
  EXPECT_EQ(NamesIn(dir.path()), (std::vector<std::string>{".hidden", "B", "a10", "a2", "b", "c"}));
}

TEST(NamesInTest, WhatIsNoDirectoryHasNone) {
  const TempDir dir;
  EXPECT_TRUE(NamesIn(dir.path() / "no").empty());
  EXPECT_TRUE(NamesIn(dir.Write("file", "")).empty());
}

TEST(WriteFileAtomicallyTest, AMissingFolderIsNotFound) {
  const TempDir dir;
  EXPECT_TRUE(absl::IsNotFound(WriteFileAtomically(dir.path() / "no" / "file", "x")));
}

}  // namespace
}  // namespace nodedevice
