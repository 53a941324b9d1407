#pragma once

// Reading untrusted JSON field by field: every problem is collected together with the path of its
// field, and reading goes on, so that an administrator sees all of them at once. Values, any
// thread.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/status.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

inline constexpr std::size_t kMaxFieldText = 4096;
inline constexpr std::size_t kMaxListedErrors = 100;

// What is wrong, in the order in which it was found. Keeps the first kMaxListedErrors and counts
// the rest.
class FieldErrors {
 public:
  void Add(std::string path, std::string message);
  // How many there are, kept or not; two readings tell whether something in between failed.
  std::size_t count() const { return count_; }
  // The list; when some were not kept, its last entry says how many.
  std::vector<FieldError> Take();

 private:
  std::vector<FieldError> kept_;
  std::size_t count_ = 0;
};

// "spec" and "name" -> "spec.name"; a key that is no plain word stands in brackets and quotes.
std::string Child(std::string_view path, std::string_view key);
// "spec.plugins" and 2 -> "spec.plugins[2]".
std::string Child(std::string_view path, std::size_t index);

// Text of others inside a message: in quotes, cut to a readable length, odd bytes escaped.
std::string Quoted(std::string_view text);

// Every reader below returns nullopt (or leaves an entry out) with an error added when a value is
// wrong.

// One value of a list or map, with the path that leads to it.
struct Element {
  const nlohmann::json* value;
  std::string path;
};

// The text of a string value: at most `limit` bytes and no control characters.
std::optional<std::string> ReadText(const Element& element, FieldErrors& errors,
                                    std::size_t limit = kMaxFieldText);
std::optional<std::int64_t> ReadInteger(const Element& element, FieldErrors& errors,
                                        std::int64_t low, std::int64_t high);

// Reads one JSON object. Each question makes a key known, so that RejectUnknown() can never forget
// one that is read. A key with the value null counts as absent. Without an
// error, then, a reader returns nullopt or an empty list.
class ObjectReader {
 public:
  // An error, and then an empty object, when the value is not an object. Borrows both for its life.
  ObjectReader(const Element& element, FieldErrors& errors);

  // It is an object.
  bool readable() const { return object_ != nullptr; }
  bool Has(std::string_view key);
  // Adds an error when the key is absent.
  bool Require(std::string_view key);
  // Makes a key known whose value does not matter.
  void Ignore(std::string_view key) { Find(key); }

  // nullopt without an error when absent.
  std::optional<Element> Any(std::string_view key);
  std::optional<bool> Bool(std::string_view key);
  std::optional<std::int64_t> Integer(std::string_view key, std::int64_t low, std::int64_t high);
  std::optional<double> Number(std::string_view key);
  std::optional<std::string> Text(std::string_view key, std::size_t limit = kMaxFieldText);
  std::vector<Element> List(std::string_view key, std::size_t limit);
  // Adds an error when the list is absent or empty.
  std::vector<Element> NonEmptyList(std::string_view key, std::size_t limit);
  std::vector<std::int64_t> IntegerList(std::string_view key, std::size_t limit, std::int64_t low,
                                        std::int64_t high);
  std::vector<std::string> TextList(std::string_view key, std::size_t limit);
  // Key, and the value with its path.
  std::vector<std::pair<std::string, Element>> Map(std::string_view key, std::size_t limit);
  std::map<std::string, std::string> TextMap(std::string_view key, std::size_t limit);

  // One of a closed set of words.
  template <typename T>
  std::optional<T> Choice(std::string_view key,
                          std::initializer_list<std::pair<std::string_view, T>> choices) {
    const std::optional<std::string> text = Text(key);
    if (!text) return std::nullopt;
    std::string words;
    for (const auto& [word, value] : choices) {
      if (*text == word) return value;
      absl::StrAppend(&words, words.empty() ? "" : ", ", std::string(word));
    }
    Fail(key, absl::StrCat("must be one of ", words, ", is ", Quoted(*text)));
    return std::nullopt;
  }

  // Adds an error at the key, or at the object itself.
  void Fail(std::string_view key, std::string message);
  void FailHere(std::string message);
  // Adds the status' message as an error at the key; true when it is ok.
  bool Check(std::string_view key, const absl::Status& status);

  // To be called last: an error for every key that nobody asked for.
  void RejectUnknown();

  const std::string& path() const { return path_; }

 private:
  // nullptr when absent or null.
  const nlohmann::json* Find(std::string_view key);

  const nlohmann::json* object_;  // nullptr: not an object
  std::string path_;
  FieldErrors& errors_;
  std::vector<std::string> known_;
};

}  // namespace nodedevice
