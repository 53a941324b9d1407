#include "lib/api/host_path.h"

#include <gtest/gtest.h>

namespace nodedevice {
namespace {

constexpr auto kAllowList = HostPathPolicy::kAllowList;
constexpr auto kAny = HostPathPolicy::kAny;

constexpr char kNotAllowed[] = "must be below one of /dev, /sys, /var, /opt, /run, /usr, /etc";
constexpr char kEmptyPart[] = "must not hold an empty part ('//', or '/' at the end)";

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(HostPathTest, TakesPathsBelowTheAllowedFolders) {
  for (const char* path : {"/dev/fuse", "/sys/class", "/var/lib/x", "/opt/x", "/run/x.sock",
                           "/usr/lib", "/etc/x", "/dev/a..b", "/dev/.hidden"}) {
    EXPECT_TRUE(CheckHostPath(path, kAllowList).ok()) << path;
  }
}

TEST(HostPathTest, RefusesEverythingElse) {
  for (const char* path : {"/proc/1/root", "/root/x", "/home", "/devices/x", "/dev", "/etc"}) {
    EXPECT_EQ(Message(CheckHostPath(path, kAllowList)), kNotAllowed) << path;
  }
}

TEST(HostPathTest, WithAnyPolicyTheFolderDoesNotMatter) {
  EXPECT_TRUE(CheckHostPath("/home/me/dev", kAny).ok());
  EXPECT_EQ(Message(CheckHostPath("/home/../dev", kAny)), "must not hold '..'");
}

TEST(HostPathTest, WantsAPlainAbsolutePath) {
  EXPECT_EQ(Message(CheckHostPath("", kAllowList)), "must be an absolute path");
  EXPECT_EQ(Message(CheckHostPath("dev/fuse", kAllowList)), "must be an absolute path");
  EXPECT_EQ(Message(CheckHostPath("/", kAny)), "must not be the root folder");
  EXPECT_EQ(Message(CheckHostPath("/dev/../etc/shadow", kAllowList)), "must not hold '..'");
  EXPECT_EQ(Message(CheckHostPath("/dev/..", kAllowList)), "must not hold '..'");
  EXPECT_EQ(Message(CheckHostPath("/dev/./fuse", kAllowList)), "must not hold '.' as a part");
  EXPECT_EQ(Message(CheckHostPath("/dev//fuse", kAllowList)), kEmptyPart);
  EXPECT_EQ(Message(CheckHostPath("//dev/fuse", kAllowList)), kEmptyPart);
  EXPECT_EQ(Message(CheckHostPath("/dev/fuse/", kAllowList)), kEmptyPart);
}

TEST(HostPatternTest, TakesWildcardsBehindAnAllowedFolder) {
  for (const char* pattern : {"/dev/ttyUSB*", "/dev/loop[0-9]*", "/dev/x[]]", "/dev/x[!]a]",
                              "/dev/?", "/dev/*/*", "/dev/snd/pcmC?D0c", "/dev/x]", "/dev/fuse"}) {
    EXPECT_TRUE(CheckHostPattern(pattern, kAllowList).ok())
        << pattern << CheckHostPattern(pattern, kAllowList);
  }
}

TEST(HostPatternTest, TheFirstPartMustBeAnAllowedFolderAsItIsWritten) {
  for (const char* pattern : {"/d*", "/d*/fuse", "/*/fuse", "/[d]ev/fuse", "/dev*"}) {
    EXPECT_EQ(Message(CheckHostPattern(pattern, kAllowList)), kNotAllowed) << pattern;
  }
}

TEST(HostPatternTest, RefusesWhatWouldNotMatchWhatItSeemsTo) {
  EXPECT_EQ(Message(CheckHostPattern("/dev/x[0-9", kAllowList)), "has a '[' without its ']'");
  EXPECT_EQ(Message(CheckHostPattern("/dev/x[]", kAllowList)), "has a '[' without its ']'");
  EXPECT_EQ(Message(CheckHostPattern("/dev/x[a/b]", kAllowList)), "has a '[' without its ']'");
  EXPECT_EQ(Message(CheckHostPattern("/dev/x\\*", kAllowList)), "must not hold a backslash");
  EXPECT_EQ(Message(CheckHostPattern("/dev/**/x", kAllowList)),
            "must not hold '**': a wildcard matches inside one part of the path");
}

TEST(HostPatternTest, NoWildcardCanMeanTheFolderAbove) {
  for (const char* pattern : {"/dev/.*/etc/shadow", "/dev/.?/x", "/dev/.[.]/x", "/dev/a/.*"}) {
    EXPECT_EQ(Message(CheckHostPattern(pattern, kAllowList)),
              "must not hold a wildcard in a part that begins with '.'")
        << pattern;
  }
}

TEST(HostPatternTest, CountsWildcards) {
  EXPECT_EQ(CountWildcards("/dev/fuse"), 0u);
  EXPECT_EQ(CountWildcards("/dev/ttyUSB*"), 1u);
  EXPECT_EQ(CountWildcards("/dev/loop[0-9]*"), 2u);
  EXPECT_EQ(CountWildcards("/dev/[]*?]"), 1u);
  EXPECT_EQ(CountWildcards("/dev/?/*"), 2u);
}

TEST(ContainerPathTest, MayStandForAFolderWhereThatIsMeant) {
  EXPECT_TRUE(CheckContainerPath("/anywhere/x", false).ok());
  EXPECT_TRUE(CheckContainerPath("/dev/serial/", true).ok());
  EXPECT_EQ(Message(CheckContainerPath("/dev/serial/", false)), kEmptyPart);
  EXPECT_EQ(Message(CheckContainerPath("/a/../b", true)), "must not hold '..'");
  EXPECT_EQ(Message(CheckContainerPath("x", true)), "must be an absolute path");
  EXPECT_EQ(Message(CheckContainerPath("/", true)), "must not be the root folder");
}

}  // namespace
}  // namespace nodedevice
