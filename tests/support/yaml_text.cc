#include "tests/support/yaml_text.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

// What is surely a string without quotes.
bool IsPlain(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
  constexpr std::string_view kWords[] = {"null", "Null",  "NULL",  "true", "True",
                                         "TRUE", "false", "False", "FALSE"};
  return !text.empty() && text.find_first_not_of(kPlain) == std::string::npos &&
         (std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '/') &&
         std::ranges::find(kWords, text) == std::end(kWords);
}

std::string Scalar(const Json& value) {
  if (value.is_string() && IsPlain(value.get<std::string>())) return value.get<std::string>();
  return value.dump();  // JSON's scalars, [] and {} are YAML's
}

void Append(const Json& value, const std::string& indent, std::string& text) {
  const auto child = [&](const std::string& lead, const Json& element, bool in_list) {
    text += lead;
    if (!element.is_structured() || element.empty()) {
      text += (in_list ? "" : " ") + Scalar(element) + "\n";
      return;
    }
    std::string below;
    if (in_list) {
      Append(element, indent + "  ", below);
      text += below.substr(indent.size() + 2);
    } else {
      Append(element, element.is_array() ? indent : indent + "  ", below);
      text += "\n" + below;
    }
  };
  if (value.is_object()) {
    for (const auto& [key, element] : value.items()) {
      child(indent + Scalar(key) + ":", element, /*in_list=*/false);
    }
  } else if (value.is_array()) {
    for (const Json& element : value) child(indent + "- ", element, /*in_list=*/true);
  }
}

}  // namespace

std::string ToYaml(const Json& value) {
  if (!value.is_structured() || value.empty()) return Scalar(value) + "\n";
  std::string text;
  Append(value, "", text);
  return text;
}

}  // namespace nodedevice::testing
