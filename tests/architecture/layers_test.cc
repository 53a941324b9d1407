// The layers of CONTRIBUTING.md, as the include lines see them.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "tests/architecture/source_tree.h"

namespace nodedevice::testing {
namespace {

// Folder -> the other folders of ours that it may include. Whatever is not listed is forbidden.
const std::map<std::string, std::set<std::string>>& AllowedEdges() {
  static const std::map<std::string, std::set<std::string>> edges = {
      {"lib/base", {}},
      {"lib/kubelet", {"lib/base"}},
      {"lib/api", {"lib/kubelet", "lib/base"}},
      {"lib/kube", {"lib/base"}},
      {"lib/mco", {"lib/kube", "lib/base"}},
      {"lib/metrics", {"lib/base"}},
      {"lib/service", {"lib/kube", "lib/metrics", "lib/base"}},
      {"controller", {"lib/api", "lib/kube", "lib/mco", "lib/metrics", "lib/service", "lib/base"}},
      {"agent",
       {"lib/api", "lib/kube", "lib/kubelet", "lib/mco", "lib/metrics", "lib/service", "lib/base"}},
      {"plugin", {"lib/api", "lib/kubelet", "lib/base", "proto"}},
      {"devicemanager", {"lib/kubelet", "lib/metrics", "lib/base", "proto"}},
  };
  return edges;
}

struct Library {
  std::string name;
  std::vector<std::string> headers;  // how its headers begin
  // The folders, or single files without ending, that may include it.
  std::set<std::string> allowed;
};

const std::vector<Library>& Libraries() {
  static const std::vector<Library> libraries = {
      {"gRPC and protobuf", {"grpcpp/", "grpc/", "google/protobuf/"}, {"plugin", "devicemanager"}},
      {"HTTP servers and clients",
       {"cpprest/", "civetweb.h", "CivetServer.h", "prometheus/exposer.h", "boost/beast"},
       {"lib/kube", "lib/metrics"}},
      {"prometheus-cpp", {"prometheus/"}, {"lib/metrics", "lib/service", "agent", "controller"}},
      {"yaml-cpp", {"yaml-cpp/"}, {"lib/base/yaml"}},
      {"Boost.Asio", {"boost/asio"}, {"lib/base/event_loop", "lib/metrics", "lib/kube"}},
  };
  return libraries;
}

// The layer a file belongs to: the longest folder of the table that it is below.
std::optional<std::string> LayerOf(const std::string& path) {
  for (const auto& [folder, edges] : AllowedEdges()) {
    if (path.starts_with(folder + "/")) return folder;
  }
  if (path.starts_with("proto/")) return "proto";
  return std::nullopt;
}

std::vector<SourceFile> OurSources() {
  std::vector<SourceFile> sources;
  for (const char* folder : {"lib", "controller", "agent", "plugin", "devicemanager"}) {
    for (SourceFile& file : FilesBelow(folder, {".h", ".cc"})) sources.push_back(std::move(file));
  }
  return sources;
}

TEST(LayersTest, ThereAreSourcesAndIncludesToCheck) {
  std::size_t includes = 0;
  for (const SourceFile& file : OurSources()) includes += file.OwnIncludes().size();
  EXPECT_GT(OurSources().size(), 20u);
  EXPECT_GT(includes, 50u);
}

TEST(LayersTest, EverySourceFileBelongsToALayer) {
  for (const SourceFile& file : OurSources()) {
    EXPECT_TRUE(LayerOf(file.path)) << file.path << " is in no folder of the table";
  }
}

TEST(LayersTest, IncludesObeyTheAllowedEdges) {
  for (const SourceFile& file : OurSources()) {
    const std::string from = LayerOf(file.path).value_or("");
    for (const std::string& include : file.OwnIncludes()) {
      const std::optional<std::string> to = LayerOf(include);
      ASSERT_TRUE(to) << file.path << " includes " << include << ", which is in no layer";
      if (*to == from) continue;
      EXPECT_TRUE(AllowedEdges().at(from).contains(*to))
          << file.path << " includes " << include << ", but " << from << " may not use " << *to;
    }
  }
}

TEST(LayersTest, ProgramsNeverIncludeEachOther) {
  const std::set<std::string> programs = {"controller", "agent", "plugin", "devicemanager"};
  for (const auto& [from, edges] : AllowedEdges()) {
    for (const std::string& to : edges) {
      EXPECT_FALSE(programs.contains(to)) << from << " -> " << to;
    }
  }
}

TEST(LayersTest, LibrariesOfOthersStayWhereTheyBelong) {
  for (const SourceFile& file : OurSources()) {
    const std::string layer = LayerOf(file.path).value_or("");
    const std::string stem = file.path.substr(0, file.path.rfind('.'));
    for (const std::string& include : file.OtherIncludes()) {
      for (const Library& library : Libraries()) {
        for (const std::string& header : library.headers) {
          if (!include.starts_with(header)) continue;
          EXPECT_TRUE(library.allowed.contains(layer) || library.allowed.contains(stem))
              << file.path << " includes " << include << ": " << library.name
              << " has no place there";
        }
      }
    }
  }
}

TEST(LayersTest, HeadersOfTheRepositoryAreIncludedFromItsRoot) {
  for (const SourceFile& file : OurSources()) {
    const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    for (const std::string& include : file.OtherIncludes()) {
      EXPECT_FALSE(std::filesystem::exists(SourceRoot() / folder / include))
          << file.path << " includes " << include << " without its folder";
    }
  }
}

}  // namespace
}  // namespace nodedevice::testing
