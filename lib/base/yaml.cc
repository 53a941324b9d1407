#include "lib/base/yaml.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <initializer_list>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "lib/base/utf8.h"
#include "yaml-cpp/depthguard.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/yaml.h"

namespace nodedevice {
namespace {

constexpr std::string_view kTooDeep = "nested too deeply";

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

// An integer of the core schema: decimal with a sign, or 0x and 0o without one. One that does not
// fit 64 bits is left to the floats, as JSON readers do.
std::optional<std::int64_t> Integer(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0o")) {
    base = text[1] == 'x' ? 16 : 8;
    text.remove_prefix(2);
    if (text.starts_with("-")) return std::nullopt;  // which from_chars would take
  } else if (text.starts_with("+")) {
    text.remove_prefix(1);
    if (text.starts_with("-")) return std::nullopt;
  }
  std::int64_t integer = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), integer, base);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return integer;
}

// The core schema's tag resolution of a plain (unquoted) scalar.
nlohmann::json Plain(const std::string& text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (IsOneOf(text, {"true", "True", "TRUE"})) return true;
  if (IsOneOf(text, {"false", "False", "FALSE"})) return false;
  if (const std::optional<std::int64_t> integer = Integer(text)) return *integer;
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
      return At(node.Mark(), kTooDeep);
    }
    if (++nodes_ > kYamlMaxNodes) {
      return At(node.Mark(),
                absl::StrCat("the document expands to more than ", kYamlMaxNodes, " values"));
    }
    // A long text costs its length wherever an alias repeats it.
    if (node.IsScalar()) RETURN_IF_ERROR(Spend(node, node.Scalar().size()));
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
          RETURN_IF_ERROR(Spend(entry.first, key.size()));
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
  absl::Status Spend(const YAML::Node& node, std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ <= kYamlMaxBytes) return absl::OkStatus();
    return At(node.Mark(),
              absl::StrCat("the document expands to more than ", kYamlMaxBytes, " bytes"));
  }

  int nodes_ = 0;
  std::size_t bytes_ = 0;
};

// Notices where documents begin and nothing else.
class DocumentStarts : public YAML::EventHandler {
 public:
  const std::vector<YAML::Mark>& marks() const { return marks_; }

  void OnDocumentStart(const YAML::Mark& mark) override { marks_.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  std::vector<YAML::Mark> marks_;
};

// YAML::LoadAll() would tell too, but never ends, and fills the memory, where it finds a document
// that it cannot move past, such as ",". Throws as YAML::Load() does.
absl::Status CheckOneDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  parser.HandleNextDocument(starts);
  if (!parser.HandleNextDocument(starts)) return absl::OkStatus();
  return At(starts.marks().back(), "a second document begins here; only one is read");
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseYaml(std::string_view text) {
  if (text.size() > kYamlMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat("larger than ", kYamlMaxBytes, " bytes"));
  }
  // yaml-cpp would guess at UTF-16 and pass other bytes on, and no JSON could be made of them.
  if (const std::size_t bad = FindInvalidUtf8(text); bad != std::string_view::npos) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    return absl::InvalidArgumentError(absl::StrCat("line ", line + 1, ": not UTF-8"));
  }
  if (text.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("holds a NUL byte");
  }
  try {
    const std::string copy(text);
    RETURN_IF_ERROR(CheckOneDocument(copy));
    return Converter().Convert(YAML::Load(copy), 0);
  } catch (const YAML::DeepRecursion& error) {  // yaml-cpp's own limit, beyond ours
    return At(error.mark, kTooDeep);
  } catch (const YAML::Exception& error) {
    return At(error.mark, error.msg);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

}  // namespace nodedevice
