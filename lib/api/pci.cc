#include "lib/api/pci.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/ascii.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxSelectors = 64;
constexpr std::size_t kMaxParents = 64;
constexpr std::size_t kMaxDriver = 64;
constexpr std::size_t kMaxAddress = 32;
constexpr std::size_t kMaxInterface = 15;  // of the kernel's names
constexpr std::size_t kMaxNumberDigits = 5;

template <typename Known>
bool IsMadeOf(std::string_view text, std::size_t least, std::size_t most, const Known& known) {
  return text.size() >= least && text.size() <= most && std::ranges::all_of(text, known);
}

bool IsHex(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }
bool IsWord(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

// "0000", "3b", "00" and "0" of "0000:3b:00.0"; empty when it is not of this shape.
std::vector<std::string_view> PartsOfAddress(std::string_view text) {
  const std::size_t bus = text.find(':');
  if (bus == std::string_view::npos) return {};
  const std::size_t slot = text.find(':', bus + 1);
  if (slot == std::string_view::npos) return {};
  const std::size_t function = text.find('.', slot + 1);
  if (function == std::string_view::npos) return {};
  return {text.substr(0, bus), text.substr(bus + 1, slot - bus - 1),
          text.substr(slot + 1, function - slot - 1), text.substr(function + 1)};
}

bool IsAddress(std::string_view text) {
  const auto parts = PartsOfAddress(text);
  return !parts.empty() && IsMadeOf(parts[0], 4, 8, IsHex) && IsMadeOf(parts[1], 2, 2, IsHex) &&
         IsMadeOf(parts[2], 2, 2, IsHex) && IsMadeOf(parts[3], 1, 1, IsHex) && parts[3] <= "7";
}

absl::Status CheckAddressPattern(std::string_view text) {
  const auto parts = PartsOfAddress(text);
  const bool known = std::ranges::all_of(parts, [](std::string_view part) {
    return IsMadeOf(part, 1, kMaxAddress, [](char c) { return IsHex(c) || c == '*' || c == '?'; });
  });
  if (known && !parts.empty() && text.size() <= kMaxAddress) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be domain:bus:device.function in hexadecimal digits, with * and ? where "
                   "any will do, such as \"0000:3b:*.0\", is ",
                   Quoted(text)));
}

absl::Status CheckClass(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  if (text.size() % 2 == 0 && IsMadeOf(text, 2, 6, IsHex)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "must be two, four or six hexadecimal digits such as \"0200\", is ", Quoted(text)));
}

absl::Status CheckDriver(std::string_view text) {
  if (IsMadeOf(text, 1, kMaxDriver, IsWord)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be the name of a driver such as vfio-pci, is ", Quoted(text)));
}

bool ReadNumber(std::string_view text, int* number) {
  if (text.size() > kMaxNumberDigits) return false;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end && text[0] != '-';
}

// "0-3,7"
bool ReadNumbers(std::string_view text, std::vector<std::pair<int, int>>* numbers) {
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    auto& [low, high] = numbers->emplace_back();
    if (!ReadNumber(part.substr(0, dash), &low)) return false;
    high = low;
    if (dash != std::string_view::npos && !ReadNumber(part.substr(dash + 1), &high)) return false;
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return true;
}

// Whether the name before the '#' is one of the kind that is wanted.
using NameRule = bool (*)(std::string_view name);

std::optional<VirtualFunctions> ReadVirtualFunctions(std::string_view text, NameRule is_name) {
  VirtualFunctions functions;
  const std::size_t mark = text.find('#');
  functions.of = std::string(text.substr(0, mark));
  if (!is_name(functions.of)) return std::nullopt;
  if (mark != std::string_view::npos && !ReadNumbers(text.substr(mark + 1), &functions.numbers)) {
    return std::nullopt;
  }
  return functions;
}

std::vector<VirtualFunctions> ReadParents(ObjectReader& reader, std::string_view key,
                                          NameRule is_name, std::string_view example,
                                          FieldErrors& errors) {
  std::vector<VirtualFunctions> parents;
  if (!reader.Has(key)) return parents;
  for (const Element& element : reader.NonEmptyList(key, kMaxParents)) {
    const std::optional<std::string> text = ReadText(element, errors);
    if (!text) continue;
    std::optional<VirtualFunctions> functions = ReadVirtualFunctions(*text, is_name);
    if (!functions) {
      errors.Add(element.path,
                 absl::StrCat("must be ", std::string(example),
                              ", with or without the numbers of virtual functions behind a '#', "
                              "is ",
                              Quoted(*text)));
      continue;
    }
    for (const auto& [low, high] : functions->numbers) {
      if (low > high) {
        errors.Add(element.path,
                   absl::StrCat("holds no virtual function from ", low, " to ", high));
      }
    }
    parents.push_back(*std::move(functions));
  }
  return parents;
}

bool IsInterface(std::string_view name) {
  return IsMadeOf(name, 1, kMaxInterface, [](char c) { return IsWord(c) || c == '.'; });
}

PciSelector ReadSelector(const Element& element, FieldErrors& errors) {
  PciSelector selector;
  ObjectReader reader(element, errors);
  bool asks = false;
  for (const char* key : {"vendor", "device", "class", "driver", "address", "pfNames",
                          "rootDevices", "virtualFunction"}) {
    asks |= reader.Has(key);
  }
  if (!asks && reader.readable()) {
    reader.FailHere(
        "needs at least one of vendor, device, class, driver, address, pfNames, rootDevices, "
        "virtualFunction");
  }
  selector.vendor = ReadHexId(reader, "vendor");
  selector.device = ReadHexId(reader, "device");
  if (auto text = reader.Text("class"); text && reader.Check("class", CheckClass(*text))) {
    selector.class_prefix = absl::AsciiStrToLower(*text);
    if (selector.class_prefix.starts_with("0x")) selector.class_prefix.erase(0, 2);
  }
  if (auto driver = reader.Text("driver"); driver && reader.Check("driver", CheckDriver(*driver))) {
    selector.driver = *std::move(driver);
  }
  if (auto address = reader.Text("address");
      address && reader.Check("address", CheckAddressPattern(*address))) {
    selector.address = absl::AsciiStrToLower(*address);
  }
  selector.pf_names =
      ReadParents(reader, "pfNames", IsInterface, "a network interface such as ens1f0", errors);
  selector.root_devices =
      ReadParents(reader, "rootDevices", IsAddress, "an address such as 0000:3b:00.0", errors);
  for (VirtualFunctions& root : selector.root_devices) absl::AsciiStrToLower(&root.of);
  selector.virtual_function = reader.Bool("virtualFunction");
  reader.RejectUnknown();
  return selector;
}

void CheckBinding(const Pci& pci, ObjectReader& reader) {
  if (!IsVfioDriver(pci.driver)) {
    reader.Fail("bind", absl::StrCat("needs a driver of vfio, which pods can be given whole groups "
                                     "of functions by; driver is ",
                                     Quoted(pci.driver)));
  }
  if (std::ranges::any_of(pci.selectors, [](const auto& s) { return !s.driver.empty(); })) {
    reader.Fail("bind",
                "changes the driver that a selector asks for; select by vendor, device, class or "
                "address instead");
  }
}

}  // namespace

bool IsVfioDriver(std::string_view driver) { return driver.find("vfio") != std::string_view::npos; }

Pci ReadPci(const Element& element, FieldErrors& errors) {
  Pci pci;
  ObjectReader reader(element, errors);
  for (const Element& selector : reader.NonEmptyList("selectors", kMaxSelectors)) {
    pci.selectors.push_back(ReadSelector(selector, errors));
  }
  if (auto driver = reader.Text("driver"); driver && reader.Check("driver", CheckDriver(*driver))) {
    pci.driver = *std::move(driver);
  }
  pci.bind = reader.Bool("bind").value_or(pci.bind);
  if (pci.bind) CheckBinding(pci, reader);
  reader.RejectUnknown();
  return pci;
}

}  // namespace nodedevice
