#include "devicemanager/conformance/set_aside.h"

#include <optional>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::devicemanager::conformance {
namespace {

namespace fs = std::filesystem;

class SetAsideTest : public ::testing::Test {
 protected:
  testing::TempDir dir_;
  const fs::path node_ = dir_.MakeNode("dev/thing0");
};

TEST_F(SetAsideTest, IsOutOfSightUntilItIsPutBack) {
  auto aside = SetAside::Move(node_);
  ASSERT_TRUE(aside.ok()) << aside.status();
  EXPECT_FALSE(fs::exists(node_));
  for (const auto& entry : fs::directory_iterator(node_.parent_path())) {
    EXPECT_TRUE(entry.path().filename().native().starts_with(".")) << "no wildcard matches it";
  }
  EXPECT_TRUE(aside->PutBack().ok());
  EXPECT_TRUE(fs::is_fifo(node_));
}

TEST_F(SetAsideTest, IsPutBackAtTheLatestWithTheObject) {
  { const auto aside = SetAside::Move(node_); }
  EXPECT_TRUE(fs::is_fifo(node_));
}

TEST_F(SetAsideTest, NothingIsOverwritten) {
  auto aside = SetAside::Move(node_);
  ASSERT_TRUE(aside.ok());
  dir_.Write("dev/thing0", "somebody else's");
  EXPECT_FALSE(aside->PutBack().ok());
  EXPECT_TRUE(fs::is_regular_file(node_));
  EXPECT_FALSE(SetAside::Move(dir_.path() / "none").ok());
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
