#include "lib/api/usb.h"

#include <charconv>

#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxSelectors = 32;

}  // namespace

std::optional<std::uint16_t> ReadHexId(ObjectReader& reader, std::string_view key) {
  const std::optional<Element> field = reader.Any(key);
  if (!field) return std::nullopt;
  // 0403 without quotes is the number 403 to YAML, and would match nothing without a word.
  if (field->value->is_number()) {
    reader.Fail(key,
                "must be hexadecimal digits in quotes, such as \"0403\": without them it is "
                "read as another number");
    return std::nullopt;
  }
  const std::optional<std::string> text = reader.Text(key);
  if (!text) return std::nullopt;
  std::string_view digits = *text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  std::uint16_t id = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, id, 16);
  if (error == std::errc() && stop == end && digits.size() <= 4) return id;
  reader.Fail(key, absl::StrCat("must be one to four hexadecimal digits such as \"1a86\", is ",
                                Quoted(*text)));
  return std::nullopt;
}

UsbSelector ReadUsbSelector(const Element& element, FieldErrors& errors) {
  UsbSelector selector;
  ObjectReader reader(element, errors);
  if (reader.Require("vendor")) selector.vendor = ReadHexId(reader, "vendor").value_or(0);
  if (reader.Require("product")) selector.product = ReadHexId(reader, "product").value_or(0);
  selector.serial = reader.Text("serial").value_or("");
  reader.RejectUnknown();
  return selector;
}

Usb ReadUsb(const Element& element, FieldErrors& errors) {
  Usb usb;
  ObjectReader reader(element, errors);
  for (const Element& selector : reader.NonEmptyList("selectors", kMaxSelectors)) {
    usb.selectors.push_back(ReadUsbSelector(selector, errors));
  }
  reader.RejectUnknown();
  return usb;
}

}  // namespace nodedevice
