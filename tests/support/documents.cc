#include "tests/support/documents.h"
#include "tests/support/places.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = SourceRoot();

// Who refuses the documents of a folder.
struct Folder {
  bool agent;
  bool api_server;
};
const std::map<std::string, Folder>& Folders() {
  static const std::map<std::string, Folder> folders = {
      {"accepted", {false, false}},
      {"refused", {true, true}},
      {"unknown-fields", {true, true}},
      {"refused-by-the-agent-only", {true, false}},
      {"refused-by-the-api-server-only", {false, true}},
  };
  return folders;
}

std::vector<fs::path> YamlFilesOf(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string TextOf(const fs::path& path) {
  absl::StatusOr<std::string> text = ReadFile(path, 1u << 20);
  if (!text.ok()) throw std::runtime_error(std::string(text.status().message()));
  return *std::move(text);
}

// The rest of the comment at the top of a document that begins with `who`.
std::string Expected(const std::string& text, std::string_view who) {
  const std::string begin = absl::StrCat("# ", std::string(who), ": ");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.substr(0, 1) != "#") break;
    if (line.substr(0, begin.size()) == begin) return std::string(line.substr(begin.size()));
  }
  return "";
}

Document Read(const fs::path& path, const std::string& folder) {
  Document document;
  document.path = path;
  document.folder = folder;
  document.text = TextOf(path);
  document.agent = Expected(document.text, "agent");
  document.api_server = Expected(document.text, "API server");
  const Folder& refused = Folders().at(folder);
  const bool explained =
      refused.agent == refused.api_server || !Expected(document.text, "why").empty();
  if (document.agent.empty() == refused.agent ||
      document.api_server.empty() == refused.api_server || !explained) {
    throw std::runtime_error(
        absl::StrCat(path.string(), ": its first lines do not fit its folder"));
  }
  return document;
}

}  // namespace

std::vector<Document> Documents() {
  std::vector<Document> documents;
  for (const auto& [folder, refused] : Folders()) {
    for (const fs::path& path : YamlFilesOf(kSource / "tests/documents" / folder)) {
      documents.push_back(Read(path, folder));
    }
  }
  std::vector<fs::path> samples = YamlFilesOf(kSource / "operator-manifests/samples");
  samples.push_back(kSource / "operator-manifests/standalone/devices.yaml");
  for (const fs::path& path : samples) documents.push_back(Read(path, "accepted"));
  return documents;
}

}  // namespace nodedevice::testing
