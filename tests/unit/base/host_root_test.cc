#include "lib/base/host_root.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using testing::TempDir;

// A root whose links are absolute as seen from inside, as on a node that is mounted at /host.
class HostRootTest : public ::testing::Test {
 protected:
  void Link(const std::string& target, std::string_view at) {
    std::filesystem::create_symlink(target, dir_.Under(at));
  }

  TempDir dir_;
  HostRoot root_{dir_.path()};
};

TEST_F(HostRootTest, ResolvePutsTheRootBeforeThePath) {
  EXPECT_EQ(HostRoot("/host").Resolve("/dev/fuse"), "/host/dev/fuse");
  EXPECT_EQ(HostRoot().Resolve("/dev/fuse"), "/dev/fuse");
  EXPECT_EQ(HostRoot("/host").Resolve("dev/fuse"), "/host/dev/fuse");
}

TEST_F(HostRootTest, APathWithoutLinksIsItself) {
  dir_.Write("dev/fuse", "");
  EXPECT_EQ(root_.Canonical("/dev/fuse"), "/dev/fuse");
  EXPECT_EQ(root_.Canonical("/dev//./fuse"), "/dev/fuse");
}

TEST_F(HostRootTest, FollowsRelativeLinks) {
  dir_.Write("dev/ttyUSB0", "");
  Link("../../ttyUSB0", "dev/serial/by-id/usb-x");
  EXPECT_EQ(root_.Canonical("/dev/serial/by-id/usb-x"), "/dev/ttyUSB0");
}

TEST_F(HostRootTest, AbsoluteLinksStayInsideTheRoot) {
  dir_.Write("dev/ttyUSB0", "");
  Link("/dev/ttyUSB0", "dev/modem");
  EXPECT_EQ(root_.Canonical("/dev/modem"), "/dev/ttyUSB0");
}

TEST_F(HostRootTest, FollowsLinkedFoldersAndChains) {
  dir_.Write("run/real/device", "");
  Link("/run/real", "var/run");
  Link("run/device", "var/alias");
  EXPECT_EQ(root_.Canonical("/var/alias"), "/run/real/device");
}

TEST_F(HostRootTest, CannotBeLeftUpwards) {
  Link("../../../../../../etc/passwd", "dev/escape");
  EXPECT_EQ(root_.Canonical("/dev/escape"), "/etc/passwd");
  EXPECT_EQ(root_.Canonical("/../../x"), "/x");
}

TEST_F(HostRootTest, KeepsPartsThatDoNotExist) {
  EXPECT_EQ(root_.Canonical("/dev/nothing/here"), "/dev/nothing/here");
  Link("/dev/gone", "dev/dangling");
  EXPECT_EQ(root_.Canonical("/dev/dangling"), "/dev/gone");
}

TEST_F(HostRootTest, ALoopOfLinksIsGivenBackAsItIs) {
  Link("/dev/b", "dev/a");
  Link("/dev/a", "dev/b");
  EXPECT_EQ(root_.Canonical("/dev/a"), "/dev/a");
}

}  // namespace
}  // namespace nodedevice
