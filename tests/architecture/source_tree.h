#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/places.h"

namespace nodedevice::testing {

// The repository as text: what the architecture tests look at.

// One source file, with its path from the root ("lib/base/file.cc").
struct SourceFile {
  std::string path;
  std::vector<std::string> lines;

  // What it includes from the repository ("lib/base/file.h") and from elsewhere ("grpcpp/grpcpp.h",
  // "vector"), in two lists.
  std::vector<std::string> OwnIncludes() const;
  std::vector<std::string> OtherIncludes() const;
};

// The files below `folder` whose names end with one of `endings`, sorted; build output is left out.
std::vector<SourceFile> FilesBelow(const std::string& folder,
                                   const std::vector<std::string>& endings);

// The lines of one file; empty when it does not exist.
std::vector<std::string> LinesOf(const std::filesystem::path& path);

// The documents for users: everything below docs, README.md and CONTRIBUTING.md.
std::vector<SourceFile> UserDocuments();

}  // namespace nodedevice::testing
