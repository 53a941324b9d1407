#include "lib/api/mdev.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxSelectors = 64;
constexpr std::size_t kMaxRules = 64;
constexpr std::size_t kMaxParents = 64;
constexpr std::size_t kMaxParent = 64;

// "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
absl::Status CheckUuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const bool is_uuid = std::ranges::equal(text, kShape, [](char c, char shape) {
    return shape == 'x' ? absl::ascii_isxdigit(static_cast<unsigned char>(c)) : c == shape;
  });
  if (is_uuid) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "must be a UUID such as \"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\", is ", Quoted(text)));
}

absl::Status CheckParent(std::string_view text) {
  const bool known = std::ranges::all_of(text, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view(":._*?-").find(c) != std::string_view::npos;
  });
  if (known && !text.empty() && text.size() <= kMaxParent) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be 1 to ", kMaxParent,
                   " letters, digits and ':', '.', '_', '-', '*', '?', such as \"0000:3b:00.0\", "
                   "is ",
                   Quoted(text)));
}

MdevSelector ReadSelector(const Element& element, FieldErrors& errors) {
  MdevSelector selector;
  ObjectReader reader(element, errors);
  const bool asks = reader.Has("type") || reader.Has("uuid") || reader.Has("parent");
  if (!asks && reader.readable()) reader.FailHere("needs at least one of type, uuid, parent");
  if (auto type = reader.Text("type")) {
    if (type->empty()) reader.Fail("type", "must not be empty");
    selector.type = *std::move(type);
  }
  if (auto uuid = reader.Text("uuid"); uuid && reader.Check("uuid", CheckUuid(*uuid))) {
    selector.uuid = absl::AsciiStrToLower(*uuid);
  }
  if (auto parent = reader.Text("parent"); parent && reader.Check("parent", CheckParent(*parent))) {
    selector.parent = *std::move(parent);
  }
  reader.RejectUnknown();
  return selector;
}

MdevCreation ReadCreation(const Element& element, FieldErrors& errors) {
  MdevCreation rule;
  ObjectReader reader(element, errors);
  reader.Require("type");
  if (auto type = reader.Text("type")) {
    if (type->empty()) reader.Fail("type", "must not be empty");
    rule.type = *std::move(type);
  }
  if (const auto count = reader.Integer("count", 0, kMaxMadeMdevs)) {
    rule.count = static_cast<int>(*count);
  }
  if (reader.Has("parents")) {
    for (const Element& parent : reader.NonEmptyList("parents", kMaxParents)) {
      std::optional<std::string> text = ReadText(parent, errors);
      if (!text) continue;
      if (const absl::Status status = CheckParent(*text); !status.ok()) {
        errors.Add(parent.path, std::string(status.message()));
        continue;
      }
      rule.parents.push_back(*std::move(text));
    }
  }
  reader.RejectUnknown();
  return rule;
}

}  // namespace

Mdev ReadMdev(const Element& element, FieldErrors& errors) {
  Mdev mdev;
  ObjectReader reader(element, errors);
  for (const Element& selector : reader.NonEmptyList("selectors", kMaxSelectors)) {
    mdev.selectors.push_back(ReadSelector(selector, errors));
  }
  if (reader.Has("create")) {
    for (const Element& rule : reader.NonEmptyList("create", kMaxRules)) {
      mdev.create.push_back(ReadCreation(rule, errors));
    }
  }
  reader.RejectUnknown();
  return mdev;
}

}  // namespace nodedevice
