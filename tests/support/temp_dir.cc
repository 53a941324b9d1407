#include "tests/support/temp_dir.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

namespace nodedevice::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "nd.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::filesystem::path TempDir::Under(std::string_view relative) const {
  const std::filesystem::path path = path_ / std::filesystem::path(relative).relative_path();
  std::filesystem::create_directories(path.parent_path());
  return path;
}

std::filesystem::path TempDir::Write(std::string_view relative, std::string_view content) const {
  const std::filesystem::path path = Under(relative);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::filesystem::path TempDir::MakeNode(std::string_view relative) const {
  const std::filesystem::path path = Under(relative);
  if (::mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("mkfifo " + path.string());
  return path;
}

void TempDir::Remove(std::string_view relative) const {
  std::filesystem::remove_all(path_ / std::filesystem::path(relative).relative_path());
}

}  // namespace nodedevice::testing
