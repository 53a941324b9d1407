// What the tree promises about itself.

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "tests/architecture/source_tree.h"

namespace nodedevice::testing {
namespace {

constexpr std::size_t kMaxLines = 700;

std::vector<SourceFile> AllSources() {
  std::vector<SourceFile> sources;
  for (const char* folder : {"lib", "controller", "agent", "plugin", "devicemanager", "tests"}) {
    for (SourceFile& file : FilesBelow(folder, {".h", ".cc"})) sources.push_back(std::move(file));
  }
  return sources;
}

// The folders that a CMakeLists.txt below tests/ collects with nodedevice_tests(name folder ...).
std::set<std::string> CollectedFolders() {
  static const std::regex call(R"(nodedevice_tests\(\s*\w+\s+([\w/.]+))");
  std::set<std::string> folders;
  for (const SourceFile& file : FilesBelow("tests", {"CMakeLists.txt"})) {
    const std::filesystem::path base = std::filesystem::path(file.path).parent_path();
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, call)) continue;
      const std::filesystem::path folder = (base / match[1].str() / "").lexically_normal();
      folders.insert(folder.parent_path().string());
    }
  }
  return folders;
}

std::set<std::string> MakeTargets() {
  static const std::regex rule(R"(^([a-z][a-z0-9-]*):([^=]|$))");
  std::set<std::string> targets;
  for (const std::string& line : LinesOf(SourceRoot() / "Makefile")) {
    std::smatch match;
    if (std::regex_search(line, match, rule)) targets.insert(match[1]);
  }
  return targets;
}

// `make x` and `make x y` in the text's code spans and blocks.
std::set<std::string> NamedTargets(const std::filesystem::path& document) {
  static const std::regex command(R"((?:^|[`\s])make((?: +[a-z][a-z0-9-]*)+))");
  std::set<std::string> targets;
  bool in_block = false;
  for (const std::string& line : LinesOf(document)) {
    if (line.starts_with("```")) {
      in_block = !in_block;
      continue;
    }
    // Outside of blocks only what stands between backquotes is a command.
    std::string code = in_block ? line.substr(0, line.find(" #")) : "";
    for (std::size_t begin = line.find('`'); !in_block && begin != std::string::npos;) {
      const std::size_t end = line.find('`', begin + 1);
      if (end == std::string::npos) break;
      code += line.substr(begin, end - begin + 1) + "\n";
      begin = line.find('`', end + 1);
    }
    for (std::sregex_iterator match(code.begin(), code.end(), command), none; match != none;
         ++match) {
      const std::string words = (*match)[1];
      static const std::regex word("[a-z][a-z0-9-]*");
      for (std::sregex_iterator w(words.begin(), words.end(), word); w != none; ++w) {
        targets.insert(w->str());
      }
    }
  }
  return targets;
}

TEST(HouseRulesTest, EveryTestFileIsCollectedByCMake) {
  const std::set<std::string> collected = CollectedFolders();
  std::size_t tests = 0;
  for (const SourceFile& file : FilesBelow("tests", {"_test.cc"})) {
    const std::string folder = std::filesystem::path(file.path).parent_path().string();
    EXPECT_TRUE(collected.contains(folder))
        << file.path << " is never built: no CMakeLists.txt has nodedevice_tests for its folder";
    ++tests;
  }
  EXPECT_GT(tests, 10u);
}

TEST(HouseRulesTest, EveryStoryIsCollectedByCMakeAndDescribed) {
  const std::string folder = "tests/cluster/stories/";
  std::string build;
  for (const std::string& line : LinesOf(SourceRoot() / folder / "CMakeLists.txt")) build += line;
  EXPECT_NE(build.find("/*_story.cc"), std::string::npos);
  std::string readme;
  for (const std::string& line : LinesOf(SourceRoot() / "tests/cluster/README.md")) readme += line;
  std::size_t stories = 0;
  for (const SourceFile& file : FilesBelow("tests", {"_story.cc"})) {
    EXPECT_TRUE(file.path.starts_with(folder)) << file.path << " is never built";
    const std::string name = std::filesystem::path(file.path).stem().string();
    EXPECT_NE(readme.find("`" + name + "`"), std::string::npos)
        << "tests/cluster/README.md does not say what " << name << " tells";
    ++stories;
  }
  EXPECT_GE(stories, 6u);
}

TEST(HouseRulesTest, TheContainerfileMakesWhatMakeImageMakes) {
  const auto text = [](const char* path) {
    std::string all;
    for (const std::string& line : LinesOf(SourceRoot() / path)) all += line + "\n";
    return all;
  };
  const std::string containerfile = text("Containerfile");
  const std::string script = text("scripts/image");
  for (const char* part : {"scripts/image-root ", "/usr/bin/node-device-agent"}) {
    EXPECT_NE(containerfile.find(part), std::string::npos) << part;
    EXPECT_NE(script.find(part), std::string::npos) << part;
  }
  EXPECT_NE(containerfile.find("FROM scratch"), std::string::npos);
}

TEST(HouseRulesTest, NoFileHoldsMoreThanOneIdea) {
  for (const SourceFile& file : AllSources()) {
    EXPECT_LE(file.lines.size(), kMaxLines) << file.path;
  }
}

TEST(HouseRulesTest, HeadersAreReadOnce) {
  for (const SourceFile& file : AllSources()) {
    if (!file.path.ends_with(".h")) continue;
    EXPECT_NE(std::find(file.lines.begin(), file.lines.end(), "#pragma once"), file.lines.end())
        << file.path;
  }
}

TEST(HouseRulesTest, FileNamesAreSnakeCase) {
  static const std::regex snake_case(R"([a-z0-9_]+\.(h|cc))");
  for (const SourceFile& file : AllSources()) {
    const std::string name = std::filesystem::path(file.path).filename().string();
    EXPECT_TRUE(std::regex_match(name, snake_case)) << file.path;
  }
}

TEST(HouseRulesTest, EveryFuzzTargetHasSeedsAndIsBuilt) {
  std::string build;
  for (const std::string& line : LinesOf(SourceRoot() / "tests/fuzz/CMakeLists.txt")) {
    build += line + "\n";
  }
  std::size_t targets = 0;
  for (const SourceFile& file : FilesBelow("tests/fuzz", {"_fuzz.cc"})) {
    const std::string stem = std::filesystem::path(file.path).stem().string();
    const std::string name = stem.substr(0, stem.size() - std::string("_fuzz").size());
    EXPECT_NE(build.find("nodedevice_fuzz(" + name + " "), std::string::npos) << file.path;
    EXPECT_TRUE(std::filesystem::is_directory(SourceRoot() / "tests/fuzz/corpus" / name))
        << file.path << " has no seeds";
    ++targets;
  }
  EXPECT_GE(targets, 4u);
}

TEST(HouseRulesTest, MakeTargetsThatDocumentsNameExist) {
  const std::set<std::string> targets = MakeTargets();
  EXPECT_TRUE(targets.contains("test") && targets.contains("run"));
  EXPECT_TRUE(NamedTargets(SourceRoot() / "CONTRIBUTING.md").contains("test"));
  for (const char* document : {"README.md", "CONTRIBUTING.md"}) {
    for (const std::string& target : NamedTargets(SourceRoot() / document)) {
      EXPECT_TRUE(targets.contains(target))
          << document << " says `make " << target << "`, which the Makefile does not know";
    }
  }
}

TEST(HouseRulesTest, EveryMakeTargetForPeopleIsInTheHelp) {
  static const std::regex documented(R"(^([a-z][a-z0-9-]*):.*## \S)");
  std::set<std::string> helped;
  for (const std::string& line : LinesOf(SourceRoot() / "Makefile")) {
    std::smatch match;
    if (std::regex_search(line, match, documented)) helped.insert(match[1]);
  }
  EXPECT_EQ(helped, MakeTargets());
}

}  // namespace
}  // namespace nodedevice::testing
