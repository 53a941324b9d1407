// What the documents for users say, compared with what is there.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "lib/api/device_plugin_config.h"
#include "lib/base/yaml.h"
#include "tests/architecture/source_tree.h"

namespace nodedevice::testing {
namespace {

std::string TextOf(const std::string& path) {
  return absl::StrJoin(LinesOf(SourceRoot() / path), "\n");
}

struct Block {
  std::string where;  // "README.md:12"
  std::string text;
};

// The blocks between ```yaml and ```.
std::vector<Block> YamlBlocks(const SourceFile& document) {
  std::vector<Block> blocks;
  bool inside = false;
  for (std::size_t i = 0; i < document.lines.size(); ++i) {
    const std::string& line = document.lines[i];
    if (line == "```yaml") {
      blocks.push_back({document.path + ":" + std::to_string(i + 1), ""});
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

// Every DevicePluginConfig in the documents: a block of its own, or a file of a ConfigMap.
std::vector<Block> Configs() {
  std::vector<Block> configs;
  for (const SourceFile& document : UserDocuments()) {
    for (const Block& block : YamlBlocks(document)) {
      const absl::StatusOr<nlohmann::json> yaml = ParseYaml(block.text);
      if (!yaml.ok() || !yaml->is_object()) continue;  // another test's affair
      const std::string kind = yaml->value("kind", "");
      if (kind == "DevicePluginConfig") configs.push_back(block);
      if (kind != "ConfigMap") continue;
      for (const auto& [name, text] : yaml->at("data").items()) {
        configs.push_back({block.where + " " + name, text.get<std::string>()});
      }
    }
  }
  return configs;
}

// Group `group` of every match in `text`.
std::set<std::string> AllMatches(const std::string& text, const std::regex& what, int group = 1) {
  std::set<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), what), none; match != none; ++match) {
    found.insert((*match)[group]);
  }
  return found;
}

// The options that a program's sources define; CLI11 adds --help.
std::set<std::string> OptionsOf(const std::vector<std::string>& sources) {
  static const std::regex defined(R"re("(--[a-z][a-z-]*)")re");
  std::set<std::string> options = {"--help"};
  for (const std::string& source : sources) options.merge(AllMatches(TextOf(source), defined));
  return options;
}

const std::map<std::string, std::vector<std::string>>& Programs() {
  static const std::map<std::string, std::vector<std::string>> sources = {
      {"node-device-agent",
       {"agent/options.cc", "lib/service/tls_flags.cc", "lib/service/command_line.cc"}},
      {"node-device-controller",
       {"controller/options.cc", "lib/service/tls_flags.cc", "lib/service/command_line.cc"}},
      {"node-device-plugin", {"plugin/options.cc"}},
      {"device-manager", {"devicemanager/main.cc", "devicemanager/conformance/options.cc"}}};
  return sources;
}

TEST(ReadmeTest, YamlBlocksAreYaml) {
  for (const SourceFile& document : UserDocuments()) {
    for (const Block& block : YamlBlocks(document)) {
      const absl::StatusOr<nlohmann::json> yaml = ParseYaml(block.text);
      EXPECT_TRUE(yaml.ok()) << block.where << ": " << yaml.status();
    }
  }
}

TEST(ReadmeTest, EveryConfigIsValid) {
  for (const Block& block : Configs()) {
    const auto parsed = ParseDevicePluginConfigYaml(block.text);
    EXPECT_TRUE(parsed.ok()) << block.where << "\n" << ToString(parsed.errors);
    EXPECT_FALSE(parsed.value.plugins.empty()) << block.where;
  }
}

TEST(ReadmeTest, EveryFamilyHasAnExample) {
  std::set<std::size_t> families;
  for (const Block& block : Configs()) {
    for (const PluginSpec& plugin : ParseDevicePluginConfigYaml(block.text).value.plugins) {
      families.insert(plugin.discovery.index());
    }
  }
  EXPECT_EQ(families.size(), std::variant_size_v<Discovery>);
}

TEST(ReadmeTest, RelativeLinksResolve) {
  static const std::regex link(R"(\]\(([^)#\s]+)[^)]*\))");
  std::size_t links = 0;
  for (const SourceFile& document : UserDocuments()) {
    const std::filesystem::path folder = (SourceRoot() / document.path).parent_path();
    for (const std::string& target : AllMatches(absl::StrJoin(document.lines, "\n"), link)) {
      if (target.find("://") != std::string::npos) continue;
      EXPECT_TRUE(std::filesystem::exists(folder / target)) << document.path << ": " << target;
      ++links;
    }
  }
  EXPECT_GT(links, 5u);
}

TEST(ReadmeTest, CommandsUseOptionsThatExist) {
  static const std::regex option(R"((?:^|[\s\[])(--[a-z]+(?:-[a-z]+)*)(?=[\s=,\]]|$))");
  std::size_t checked = 0;
  for (const auto& [program, source] : Programs()) {
    const std::set<std::string> known = OptionsOf(source);
    // A command ends with the code span, the table's cell or the line.
    const std::regex command("(?:^|[/`\\s])" + program + " ([^|`\n]*)");
    for (const SourceFile& document : UserDocuments()) {
      for (const std::string& arguments :
           AllMatches(absl::StrJoin(document.lines, "\n"), command)) {
        for (const std::string& used : AllMatches(arguments, option)) {
          EXPECT_TRUE(known.contains(used))
              << document.path << ": " << program << " has no " << used;
          ++checked;
        }
      }
    }
  }
  EXPECT_GT(checked, 3u);
}

// The lines between ``` and ```, of blocks that are no YAML: commands, and what they print.
std::vector<std::string> CommandLines(const SourceFile& document) {
  std::vector<std::string> lines;
  bool inside = false;
  bool wanted = false;
  for (const std::string& line : document.lines) {
    if (line.starts_with("```")) {
      wanted = !inside && line == "```";
      inside = !inside;
    } else if (inside && wanted) {
      lines.push_back(line.substr(0, line.find(" #")));  // without a comment
    }
  }
  return lines;
}

TEST(ReadmeTest, CommandsNameFilesAndTargetsThatExist) {
  static const std::regex file(
      R"((?:^|[\s=])((?:operator-manifests|scripts|tests|docs|crds)(?:/[\w.-]+)*)(?=[\s)]|$))");
  static const std::regex target(R"((?:^|&& )make ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*))");
  const std::string makefile = TextOf("Makefile");
  std::size_t files = 0;
  std::size_t targets = 0;
  for (const SourceFile& document : UserDocuments()) {
    for (const std::string& line : CommandLines(document)) {
      for (const std::string& name : AllMatches(line, file)) {
        EXPECT_TRUE(std::filesystem::exists(SourceRoot() / name)) << document.path << ": " << line;
        ++files;
      }
      for (const std::string& names : AllMatches(line, target)) {
        const std::vector<std::string> each = absl::StrSplit(names, ' ');
        for (const std::string& name : each) {
          EXPECT_NE(makefile.find(absl::StrCat("\n", name, ":")), std::string::npos)
              << document.path << ": " << line;
          ++targets;
        }
      }
    }
  }
  EXPECT_GT(files, 20u);
  EXPECT_GT(targets, 5u);
}

TEST(ReadmeTest, OperationsListsEveryOptionOfEveryProgram) {
  static const std::regex option(R"((--[a-z][a-z-]*))");
  std::map<std::string, std::string> tables;  // program -> its table in docs/operations.md
  std::string* table = nullptr;
  for (const std::string& line : LinesOf(SourceRoot() / "docs/operations.md")) {
    if (!line.starts_with("|")) table = nullptr;
    for (const auto& [program, source] : Programs()) {
      if (line.starts_with("| `" + program + "` |")) table = &tables[program];
    }
    if (table != nullptr) *table += line + "\n";
  }
  for (const auto& [program, source] : Programs()) {
    EXPECT_EQ(AllMatches(tables[program], option), OptionsOf(source)) << program;
  }
}

TEST(ReadmeTest, MetricsAreListedWithTheirTypes) {
  using TypeByName = std::map<std::string, std::string>;
  static const std::regex exported(R"re(MetricType::(\w+),\s*"((?:nodedevice|process)_\w+)")re");
  TypeByName in_code;
  for (const char* source : {"agent/metrics.cc", "controller/metrics.cc",
                             "lib/metrics/process_metrics.cc", "lib/service/responses.cc"}) {
    const std::string text = TextOf(source);
    for (std::sregex_iterator match(text.begin(), text.end(), exported), none; match != none;
         ++match) {
      std::string type = (*match)[1];
      std::transform(type.begin(), type.end(), type.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      in_code[(*match)[2]] = type;
    }
  }
  static const std::regex row(R"(^\| `((?:nodedevice|process)_\w+)` \| (\w+) \|.*)");
  TypeByName in_document;
  for (const std::string& line : LinesOf(SourceRoot() / "docs/metrics.md")) {
    std::smatch match;
    if (std::regex_match(line, match, row)) in_document[match[1]] = match[2];
  }
  EXPECT_GT(in_code.size(), 15u);
  EXPECT_EQ(in_document, in_code);
}

}  // namespace
}  // namespace nodedevice::testing
