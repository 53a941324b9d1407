#include "lib/base/yaml.h"

#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "yaml-cpp/yaml.h"

namespace nodedevice {
namespace {

absl::Status At(const YAML::Mark& mark, std::string_view message) {
  if (mark.is_null()) return absl::InvalidArgumentError(std::string(message));
  return absl::InvalidArgumentError(absl::StrCat("line ", mark.line + 1, ", column ",
                                                 mark.column + 1, ": ", std::string(message)));
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

// The core schema's tag resolution of a plain (unquoted) scalar.
nlohmann::json Plain(const std::string& text) {
  if (text.empty() || IsOneOf(text, {"~", "null", "Null", "NULL"})) return nullptr;
  if (IsOneOf(text, {"true", "True", "TRUE"})) return true;
  if (IsOneOf(text, {"false", "False", "FALSE"})) return false;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [stop, error] = std::from_chars(begin, end, integer);
      error == std::errc() && stop == end && begin != end) {
    return integer;
  }
  if (absl::StartsWith(text, "0x")) {
    if (const auto [stop, error] = std::from_chars(text.data() + 2, end, integer, 16);
        error == std::errc() && stop == end) {
      return integer;
    }
  }
  // A float begins like a number; words such as "nan" stay text.
  const bool numeric = text.find_first_not_of("+-.0123456789eE") == std::string::npos &&
                       text.find_first_of("0123456789") != std::string::npos;
  double number = 0;
  if (numeric && absl::SimpleAtod(text, &number) && std::isfinite(number)) return number;
  return text;
}

class Converter {
 public:
  absl::StatusOr<nlohmann::json> Convert(const YAML::Node& node, int depth) {
    if (depth > kYamlMaxDepth) {
      return At(node.Mark(), absl::StrCat("nested deeper than ", kYamlMaxDepth, " levels"));
    }
    if (++nodes_ > kYamlMaxNodes) {
      return At(node.Mark(), absl::StrCat("the document expands to more than ", kYamlMaxNodes,
                                          " values"));
    }
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return nullptr;
      case YAML::NodeType::Scalar:
        // yaml-cpp marks quoted scalars with the tag "!", plain ones with "?" or "".
        if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return node.Scalar();
        return Plain(node.Scalar());
      case YAML::NodeType::Sequence: {
        nlohmann::json list = nlohmann::json::array();
        for (const YAML::Node& item : node) {
          ASSIGN_OR_RETURN(nlohmann::json value, Convert(item, depth + 1));
          list.push_back(std::move(value));
        }
        return list;
      }
      case YAML::NodeType::Map: {
        nlohmann::json object = nlohmann::json::object();
        for (const auto& entry : node) {
          if (!entry.first.IsScalar()) return At(entry.first.Mark(), "a key must be a string");
          const std::string& key = entry.first.Scalar();
          if (object.contains(key)) {
            return At(entry.first.Mark(), absl::StrCat("the key '", key, "' stands here twice"));
          }
          ASSIGN_OR_RETURN(object[key], Convert(entry.second, depth + 1));
        }
        return object;
      }
    }
    return At(node.Mark(), "unreadable value");
  }

 private:
  int nodes_ = 0;
};

// yaml-cpp recurses on nesting while it reads; a cheap bound on the text comes before it. Flow
// brackets nest without indentation, block nesting costs at least one column a level.
absl::Status BoundNesting(std::string_view text) {
  int flow = 0;
  int line = 1;
  std::size_t dashes = 0;
  bool at_line_start = true;
  std::size_t indent = 0;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      at_line_start = true;
      indent = 0;
      dashes = 0;
      continue;
    }
    if (at_line_start) {
      if (c == ' ' || c == '-' || c == '?' || c == ':') {
        ++indent;
        if (c != ' ') ++dashes;
      } else {
        at_line_start = false;
      }
      if (indent > 1000 || dashes > kYamlMaxDepth) {
        return absl::InvalidArgumentError(absl::StrCat("line ", line, ": nested too deeply"));
      }
    }
    if (c == '[' || c == '{') ++flow;
    if ((c == ']' || c == '}') && flow > 0) --flow;
    if (flow > 4 * kYamlMaxDepth) {
      return absl::InvalidArgumentError(absl::StrCat("line ", line, ": nested too deeply"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseYaml(std::string_view text) {
  if (text.size() > kYamlMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat("larger than ", kYamlMaxBytes, " bytes"));
  }
  RETURN_IF_ERROR(BoundNesting(text));
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty()) return nullptr;
    if (documents.size() > 1) {
      return At(documents[1].Mark(), "a second document begins here; only one is read");
    }
    return Converter().Convert(documents[0], 0);
  } catch (const YAML::Exception& error) {
    return At(error.mark, error.msg);
  }
}

}  // namespace nodedevice
