// Every command that the documents for users give is in tests/commands/commands.yaml, which says
// who runs it, or why nobody does.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "lib/base/yaml.h"
#include "tests/architecture/source_tree.h"

namespace nodedevice::testing {
namespace {

constexpr char kTable[] = "tests/commands/commands.yaml";

std::string TextOf(const std::string& path) {
  return absl::StrJoin(LinesOf(SourceRoot() / path), "\n");
}

// With one space wherever there is any: a line is broken differently here and there.
std::string Words(const std::string& text) {
  std::vector<std::string> words;
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \n\t"), absl::SkipEmpty())) {
    if (word != "\\") words.emplace_back(word);
  }
  return absl::StrJoin(words, " ");
}

// A text that begins with a program that the documents tell people to call.
bool IsCommand(const std::string& text) {
  static const std::set<std::string> programs = {"apt-get",
                                                 "cmake",
                                                 "ctr",
                                                 "curl",
                                                 "device-manager",
                                                 "dmesg",
                                                 "for",
                                                 "install",
                                                 "jq",
                                                 "journalctl",
                                                 "kubectl",
                                                 "ls",
                                                 "make",
                                                 "ninja",
                                                 "oc",
                                                 "openssl",
                                                 "podman",
                                                 "promtool",
                                                 "scripts/run.sh",
                                                 "sed",
                                                 "skopeo",
                                                 "ss",
                                                 "sysctl",
                                                 "systemctl",
                                                 "node-device-agent",
                                                 "node-device-controller",
                                                 "node-device-plugin"};
  static const std::regex own(R"((?:\./)?(?:scripts|tests|build|\.ci)/[\w./-]+)");
  static const std::regex variable(R"([A-Z_]+=\S*)");
  for (const absl::string_view each : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::string word(each);
    if (std::regex_match(word, variable)) continue;
    return programs.contains(word) || std::regex_match(word, own);
  }
  return false;
}

// command or first line of what a program prints -> where that is, "README.md:20"
using Places = std::map<std::string, std::string>;

struct Found {
  Places commands;
  Places output;
};

// Where a command is not over at the end of its line.
bool GoesOn(const std::string& command) {
  return command.ends_with("|") || command.ends_with("\\") ||
         (command.starts_with("for ") && !command.ends_with("\ndone") &&
          !command.ends_with("; done"));
}

// A block between ``` and ```: commands, or what a program prints. After "$ " stands a command
// among what it prints; without any, either all of it is commands or nothing is.
void ReadBlock(const std::vector<std::string>& lines, const std::string& where, Found& found) {
  bool shows_output = false;
  for (const std::string& line : lines) shows_output = shows_output || line.starts_with("$ ");
  std::string command;
  for (const std::string& line : lines) {
    if (line.empty() || (shows_output && !line.starts_with("$ "))) continue;
    const std::string text = line.substr(shows_output ? 2 : 0);
    if (command.empty() && !IsCommand(text)) {
      found.output.emplace(Words(text), where);
      return;
    }
    absl::StrAppend(&command, command.empty() ? "" : "\n", text.substr(0, text.find(" #")));
    command.erase(command.find_last_not_of(' ') + 1);
    if (GoesOn(command)) continue;
    found.commands.emplace(Words(command), where);
    command.clear();
  }
  EXPECT_EQ(command, "") << where << ": where does it end?";
}

// The commands in a sentence: `program argument...`. A program's name alone is none.
void ReadText(const std::string& text, const std::string& where, Found& found) {
  static const std::regex span(R"(`([^`]+)`)");
  for (std::sregex_iterator match(text.begin(), text.end(), span), none; match != none; ++match) {
    const std::string command = Words((*match)[1]);
    if (absl::StrContains(command, " ") && IsCommand(command)) {
      found.commands.emplace(command, where);
    }
  }
}

Found InDocuments() {
  Found found;
  std::vector<SourceFile> documents = UserDocuments();
  for (const char* folder : {"bundle", "operator-manifests"}) {
    for (SourceFile& readme : FilesBelow(folder, {"/README.md"})) {
      documents.push_back(std::move(readme));
    }
  }
  for (const SourceFile& document : documents) {
    std::vector<std::string> block;
    std::string text;
    std::string fence;  // the line that has begun the block
    std::string where = document.path;
    for (std::size_t i = 0; i < document.lines.size(); ++i) {
      const std::string& line = document.lines[i];
      if (!line.starts_with("```")) {
        if (fence.empty()) absl::StrAppend(&text, line, "\n");
        if (!fence.empty()) block.push_back(line);
      } else if (fence.empty()) {
        fence = line;
        where = absl::StrCat(document.path, ":", i + 1);
      } else {
        if (fence == "```") ReadBlock(block, where, found);
        fence.clear();
        block.clear();
      }
    }
    ReadText(text, document.path, found);
  }
  return found;
}

struct Row {
  std::string how;
  nlohmann::json group;
  nlohmann::json entry;  // a text, or an object with more about it

  std::string Command() const {
    return Words(entry.is_string() ? entry.get<std::string>()
                                   : entry.at("command").get<std::string>());
  }
};

nlohmann::json Table() {
  const absl::StatusOr<nlohmann::json> table = ParseYaml(TextOf(kTable));
  EXPECT_TRUE(table.ok()) << table.status();
  if (table.ok()) return *table;
  return {{"commands", nlohmann::json::array()}, {"output", nlohmann::json::array()}};
}

std::vector<Row> Rows() {
  std::vector<Row> rows;
  const nlohmann::json table = Table();
  for (const nlohmann::json& group : table.at("commands")) {
    for (const nlohmann::json& entry : group.at("commands")) {
      rows.push_back({group.at("how").get<std::string>(), group, entry});
    }
  }
  return rows;
}

TEST(CommandsTest, EachCommandOfADocumentIsInTheTable) {
  std::set<std::string> listed;
  for (const Row& row : Rows()) listed.insert(row.Command());
  const Found found = InDocuments();
  EXPECT_GT(found.commands.size(), 100u);
  for (const auto& [command, where] : found.commands) {
    EXPECT_TRUE(listed.contains(command)) << where << ": " << kTable << " has no\n" << command;
  }
}

TEST(CommandsTest, EachCommandOfTheTableIsInADocument) {
  const Found found = InDocuments();
  std::map<std::string, std::string> how;  // command -> in which kind of group it is
  for (const Row& row : Rows()) {
    EXPECT_TRUE(found.commands.contains(row.Command())) << "no document says\n" << row.Command();
    EXPECT_EQ(how.emplace(row.Command(), row.how).first->second, row.how) << row.Command();
  }
}

// Else a block of commands could pass as output because a program in it is not known above.
TEST(CommandsTest, BlocksWithoutCommandsAreListed) {
  std::set<std::string> listed;
  const nlohmann::json table = Table();
  for (const nlohmann::json& line : table.at("output")) {
    listed.insert(Words(line.get<std::string>()));
  }
  std::set<std::string> seen;
  for (const auto& [line, where] : InDocuments().output) {
    EXPECT_TRUE(listed.contains(line)) << where << ": is this a command? " << line;
    seen.insert(line);
  }
  EXPECT_EQ(seen, listed);
}

TEST(CommandsTest, EachRowSaysWhoRunsIt) {
  const std::string ci = TextOf(".ci/run") + "\n";
  const std::string makefile = TextOf("Makefile");
  std::map<std::string, int> rows;
  for (const Row& row : Rows()) {
    const std::string command = row.Command();
    ++rows[row.how];
    if (row.how == "run") {
      EXPECT_TRUE(row.entry.is_string()) << command;
    } else if (row.how == "ci") {
      const std::vector<std::string> words = absl::StrSplit(command, ' ');
      EXPECT_EQ(words.at(0), "make") << command;
      for (std::size_t i = 1; i < words.size(); ++i) {
        // Called there, or needed by a target that is.
        bool called = std::regex_search(ci, std::regex("make " + words[i] + "\n"));
        static const std::regex rule(R"(\n([a-z][a-z0-9-]*):((?: [a-z][a-z0-9-]*)+))");
        for (std::sregex_iterator match(makefile.begin(), makefile.end(), rule), none;
             match != none; ++match) {
          const std::set<std::string> needs = absl::StrSplit((*match)[2].str(), ' ');
          called =
              called || (needs.contains(words[i]) &&
                         absl::StrContains(ci, absl::StrCat("make ", (*match)[1].str(), "\n")));
        }
        EXPECT_TRUE(called) << ".ci/run does not " << command;
      }
    } else if (row.how == "test") {
      const std::string test = row.entry.at("by").get<std::string>();
      const std::string words = row.entry.at("as").get<std::string>();
      EXPECT_TRUE(std::filesystem::is_regular_file(SourceRoot() / test)) << test;
      EXPECT_TRUE(absl::StrContains(Words(TextOf(test)), Words(words)))
          << command << ": " << test << " has no " << words;
    } else {
      EXPECT_TRUE(row.how == "kubectl" || row.how == "not") << row.how;
      EXPECT_GT(row.group.value("because", "").size(), 20u) << command << ": say why";
      EXPECT_TRUE(row.how == "not" || command.starts_with("kubectl ") || command.starts_with("oc "))
          << command;
    }
  }
  for (const char* how : {"run", "ci", "test", "kubectl", "not"}) {
    EXPECT_GT(rows[how], 0) << kTable << " says nothing is " << how;
  }
}

}  // namespace
}  // namespace nodedevice::testing
