#pragma once

#include <filesystem>
#include <string_view>

namespace nodedevice::testing {

// A fake node is a directory. This one is fresh, short enough for socket paths, and removed with
// everything below it at the end of the test.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // "dev/fuse" -> "<dir>/dev/fuse", with the folders above it made.
  std::filesystem::path Under(std::string_view relative) const;

  // Writes a file (or replaces one) and returns its path.
  std::filesystem::path Write(std::string_view relative, std::string_view content) const;

  // A FIFO: stands in for a device node, which only root can make.
  std::filesystem::path MakeNode(std::string_view relative) const;

  void Remove(std::string_view relative) const;

 private:
  std::filesystem::path path_;
};

}  // namespace nodedevice::testing
