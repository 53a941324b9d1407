#include "lib/api/field_reader.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "lib/base/utf8.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxQuoted = 80;

std::string_view TypeName(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::null:
      return "null";
    case nlohmann::json::value_t::object:
      return "an object";
    case nlohmann::json::value_t::array:
      return "a list";
    case nlohmann::json::value_t::string:
      return "a string";
    case nlohmann::json::value_t::boolean:
      return "a boolean";
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned:
    case nlohmann::json::value_t::number_float:
      return "a number";
    case nlohmann::json::value_t::binary:
    case nlohmann::json::value_t::discarded:
      break;
  }
  return "unreadable";
}

std::string MustBe(std::string_view wanted, const nlohmann::json& value) {
  return absl::StrCat("must be ", std::string(wanted), ", is ", std::string(TypeName(value)));
}

bool IsPlainWord(std::string_view key) {
  return !key.empty() && key.size() <= kMaxQuoted &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
         });
}

}  // namespace

void FieldErrors::Add(std::string path, std::string message) {
  if (++count_ <= kMaxListedErrors) kept_.push_back({std::move(path), std::move(message)});
}

std::vector<FieldError> FieldErrors::Take() {
  std::vector<FieldError> all = std::move(kept_);
  if (count_ > all.size()) {
    all.push_back({"", absl::StrCat("and ", count_ - all.size(), " more")});
  }
  kept_.clear();
  count_ = 0;
  return all;
}

std::string ToString(const std::vector<FieldError>& errors) {
  return absl::StrJoin(errors, "\n", [](std::string* out, const FieldError& error) {
    absl::StrAppend(out, error.path, error.path.empty() ? "" : ": ", error.message);
  });
}

std::string Child(std::string_view path, std::string_view key) {
  if (!IsPlainWord(key)) return absl::StrCat(std::string(path), "[", Quoted(key), "]");
  return absl::StrCat(std::string(path), path.empty() ? "" : ".", std::string(key));
}

std::string Child(std::string_view path, std::size_t index) {
  return absl::StrCat(std::string(path), "[", index, "]");
}

std::string Quoted(std::string_view text) {
  std::size_t cut = 0;
  while (cut < text.size()) {
    const std::size_t length = std::max<std::size_t>(1, Utf8Length(text.substr(cut)));
    if (cut + length > kMaxQuoted) break;
    cut += length;
  }
  return absl::StrCat("'", absl::Utf8SafeCEscape(std::string(text.substr(0, cut))),
                      cut < text.size() ? "..." : "", "'");
}

std::optional<std::string> ReadText(const Element& element, FieldErrors& errors,
                                    std::size_t limit) {
  const auto* text = element.value->get_ptr<const std::string*>();
  if (text == nullptr) {
    errors.Add(element.path, MustBe("a string", *element.value));
    return std::nullopt;
  }
  if (text->size() > limit) {
    errors.Add(element.path, absl::StrCat("is longer than ", limit, " bytes"));
    return std::nullopt;
  }
  if (std::any_of(text->begin(), text->end(),
                  [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    errors.Add(element.path, "must not hold control characters");
    return std::nullopt;
  }
  if (FindInvalidUtf8(*text) != std::string_view::npos) {
    errors.Add(element.path, "is not UTF-8");
    return std::nullopt;
  }
  return *text;
}

std::optional<std::int64_t> ReadInteger(const Element& element, FieldErrors& errors,
                                        std::int64_t low, std::int64_t high) {
  const nlohmann::json& value = *element.value;
  if (!value.is_number()) {
    errors.Add(element.path, MustBe("an integer", value));
    return std::nullopt;
  }
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<std::uint64_t>() <= kMax);
  if (fits) {
    const auto number = value.get<std::int64_t>();
    if (number >= low && number <= high) return number;
  }
  errors.Add(element.path,
             absl::StrCat("must be an integer from ", low, " to ", high, ", is ", value.dump()));
  return std::nullopt;
}

ObjectReader::ObjectReader(const Element& element, FieldErrors& errors)
    : object_(element.value->is_object() ? element.value : nullptr),
      path_(element.path),
      errors_(errors) {
  if (object_ == nullptr) errors_.Add(path_, MustBe("an object", *element.value));
}

const nlohmann::json* ObjectReader::Find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(std::string(key));
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool ObjectReader::Has(std::string_view key) { return Find(key) != nullptr; }

bool ObjectReader::Require(std::string_view key) {
  if (Has(key)) return true;
  if (object_ != nullptr) Fail(key, "is required");
  return false;
}

std::optional<Element> ObjectReader::Any(std::string_view key) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  return Element{value, Child(path_, key)};
}

std::optional<bool> ObjectReader::Bool(std::string_view key) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  Fail(key, MustBe("true or false", *value));
  return std::nullopt;
}

std::optional<std::int64_t> ObjectReader::Integer(std::string_view key, std::int64_t low,
                                                  std::int64_t high) {
  const std::optional<Element> element = Any(key);
  return element ? ReadInteger(*element, errors_, low, high) : std::nullopt;
}

std::optional<double> ObjectReader::Number(std::string_view key) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return value->get<double>();
  Fail(key, MustBe("a number", *value));
  return std::nullopt;
}

std::optional<std::string> ObjectReader::Text(std::string_view key, std::size_t limit) {
  const std::optional<Element> element = Any(key);
  return element ? ReadText(*element, errors_, limit) : std::nullopt;
}

std::vector<Element> ObjectReader::List(std::string_view key, std::size_t limit) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return {};
  if (!value->is_array()) {
    Fail(key, MustBe("a list", *value));
    return {};
  }
  if (value->size() > limit) {
    Fail(key, absl::StrCat("has ", value->size(), " entries, more than ", limit));
    return {};
  }
  std::vector<Element> elements;
  const std::string path = Child(path_, key);
  for (const nlohmann::json& entry : *value) {
    elements.push_back({&entry, Child(path, elements.size())});
  }
  return elements;
}

std::vector<Element> ObjectReader::NonEmptyList(std::string_view key, std::size_t limit) {
  if (!Require(key)) return {};
  std::vector<Element> elements = List(key, limit);
  if (elements.empty() && Find(key)->is_array() && Find(key)->empty()) {
    Fail(key, "must not be empty");
  }
  return elements;
}

std::vector<std::int64_t> ObjectReader::IntegerList(std::string_view key, std::size_t limit,
                                                    std::int64_t low, std::int64_t high) {
  std::vector<std::int64_t> numbers;
  for (const Element& element : List(key, limit)) {
    if (const auto number = ReadInteger(element, errors_, low, high)) numbers.push_back(*number);
  }
  return numbers;
}

std::vector<std::string> ObjectReader::TextList(std::string_view key, std::size_t limit) {
  std::vector<std::string> texts;
  for (const Element& element : List(key, limit)) {
    if (auto text = ReadText(element, errors_)) texts.push_back(*std::move(text));
  }
  return texts;
}

std::vector<std::pair<std::string, Element>> ObjectReader::Map(std::string_view key,
                                                               std::size_t limit) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return {};
  if (!value->is_object()) {
    Fail(key, MustBe("an object", *value));
    return {};
  }
  if (value->size() > limit) {
    Fail(key, absl::StrCat("has ", value->size(), " entries, more than ", limit));
    return {};
  }
  std::vector<std::pair<std::string, Element>> entries;
  const std::string path = Child(path_, key);
  for (const auto& [name, entry] : value->items()) {
    entries.emplace_back(name, Element{&entry, Child(path, name)});
  }
  return entries;
}

std::map<std::string, std::string> ObjectReader::TextMap(std::string_view key, std::size_t limit) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, element] : Map(key, limit)) {
    // The name obeys the same rules as a text.
    const nlohmann::json as_text = name;
    const auto checked = ReadText({&as_text, element.path}, errors_);
    auto text = ReadText(element, errors_);
    if (checked && text) texts.emplace(name, *std::move(text));
  }
  return texts;
}

void ObjectReader::Fail(std::string_view key, std::string message) {
  errors_.Add(Child(path_, key), std::move(message));
}

void ObjectReader::FailHere(std::string message) { errors_.Add(path_, std::move(message)); }

bool ObjectReader::Check(std::string_view key, const absl::Status& status) {
  if (!status.ok()) Fail(key, std::string(status.message()));
  return status.ok();
}

void ObjectReader::RejectUnknown() {
  if (object_ == nullptr) return;
  for (const auto& [key, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    Fail(key, absl::StrCat("unknown field; known here: ", absl::StrJoin(known_, ", ")));
  }
}

}  // namespace nodedevice
