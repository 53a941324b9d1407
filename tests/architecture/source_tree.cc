#include "tests/architecture/source_tree.h"

#include <algorithm>
#include <fstream>

namespace nodedevice::testing {
namespace {

// The path in an include line, and whether a file of that name, or the .proto it comes from, is in
// the repository.
std::vector<std::string> Includes(const SourceFile& file, bool own) {
  std::vector<std::string> includes;
  for (const std::string& line : file.lines) {
    if (!line.starts_with("#include ")) continue;
    const std::size_t begin = line.find_first_of("\"<");
    const std::size_t end = line.find_first_of("\">", begin + 1);
    if (begin == std::string::npos || end == std::string::npos) continue;
    const std::string path = line.substr(begin + 1, end - begin - 1);
    const bool ours = path.starts_with("proto/") || std::filesystem::exists(SourceRoot() / path);
    if (ours == own) includes.push_back(path);
  }
  return includes;
}

}  // namespace

std::vector<std::string> SourceFile::OwnIncludes() const { return Includes(*this, true); }
std::vector<std::string> SourceFile::OtherIncludes() const { return Includes(*this, false); }

std::vector<std::string> LinesOf(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<SourceFile> FilesBelow(const std::string& folder,
                                   const std::vector<std::string>& endings) {
  std::vector<SourceFile> files;
  const std::filesystem::path top = SourceRoot() / folder;
  if (!std::filesystem::is_directory(top)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
    const std::string path = std::filesystem::relative(entry.path(), SourceRoot()).string();
    const bool wanted = std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
      return path.ends_with(ending);
    });
    if (wanted && entry.is_regular_file()) files.push_back({path, LinesOf(entry.path())});
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

std::vector<SourceFile> UserDocuments() {
  std::vector<SourceFile> documents = FilesBelow("docs", {".md"});
  for (const char* name : {"README.md", "CONTRIBUTING.md"}) {
    documents.push_back({name, LinesOf(SourceRoot() / name)});
  }
  return documents;
}

}  // namespace nodedevice::testing
