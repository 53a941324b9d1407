#include "plugin/discovery/pci_match.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "lib/base/file.h"
#include "plugin/discovery/glob.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

bool HasNumber(const VirtualFunctions& wanted, int number) {
  if (wanted.numbers.empty()) return true;
  return std::ranges::any_of(wanted.numbers, [number](const std::pair<int, int>& range) {
    return range.first <= number && number <= range.second;
  });
}

std::string Names(const std::vector<VirtualFunctions>& parents) {
  return absl::StrJoin(parents, " or ", [](std::string* out, const VirtualFunctions& functions) {
    absl::StrAppend(out, functions.of);
    const char* between = "#";
    for (const auto& [low, high] : functions.numbers) {
      absl::StrAppend(out, between, low);
      if (high != low) absl::StrAppend(out, "-", high);
      between = ",";
    }
  });
}

}  // namespace

const PciMatcher::PhysicalFunction& PciMatcher::Look(const std::string& address) {
  const auto [place, fresh] = known_.try_emplace(address);
  PhysicalFunction& found = place->second;
  if (!fresh) return found;
  const fs::path folder = host_.Resolve(SysfsPathOf(address));
  found.interfaces = NamesIn(folder / "net");
  for (const std::string& name : NamesIn(folder)) {
    absl::string_view digits = name;
    int number = 0;
    if (!absl::ConsumePrefix(&digits, "virtfn") || !absl::SimpleAtoi(digits, &number)) continue;
    std::error_code no_link;
    const fs::path target = fs::read_symlink(folder / name, no_link);
    if (!no_link) found.virtual_functions.emplace(target.filename().string(), number);
  }
  return found;
}

bool PciMatcher::IsOneOf(const VirtualFunctions& wanted, const PciFunction& function) {
  if (wanted.numbers.empty()) return true;
  const PhysicalFunction& physical = Look(function.physical_function);
  const auto number = physical.virtual_functions.find(function.address);
  return number != physical.virtual_functions.end() && HasNumber(wanted, number->second);
}

bool PciMatcher::Matches(const PciSelector& selector, const PciFunction& function) {
  if (selector.vendor && *selector.vendor != function.vendor) return false;
  if (selector.device && *selector.device != function.device) return false;
  if (!selector.driver.empty() && selector.driver != function.driver) return false;
  if (!absl::StrFormat("%06x", function.class_code).starts_with(selector.class_prefix)) {
    return false;
  }
  if (!selector.address.empty() && !MatchPart(selector.address, function.address, nullptr)) {
    return false;
  }
  const bool is_virtual = !function.physical_function.empty();
  if (selector.virtual_function && *selector.virtual_function != is_virtual) return false;
  if (!selector.root_devices.empty()) {
    const bool one = is_virtual && std::ranges::any_of(selector.root_devices, [&](const auto& of) {
                       return of.of == function.physical_function && IsOneOf(of, function);
                     });
    if (!one) return false;
  }
  if (selector.pf_names.empty()) return true;
  if (!is_virtual) return false;
  const auto& interfaces = Look(function.physical_function).interfaces;
  return std::ranges::any_of(selector.pf_names, [&](const VirtualFunctions& of) {
    return std::ranges::find(interfaces, of.of) != interfaces.end() && IsOneOf(of, function);
  });
}

std::string Describe(const PciSelector& selector) {
  std::vector<std::string> words;
  if (selector.vendor) words.push_back(absl::StrFormat("vendor %04x", *selector.vendor));
  if (selector.device) words.push_back(absl::StrFormat("device %04x", *selector.device));
  if (!selector.class_prefix.empty()) words.push_back("class " + selector.class_prefix);
  if (!selector.driver.empty()) words.push_back("driver " + selector.driver);
  if (!selector.address.empty()) words.push_back("address " + selector.address);
  if (!selector.pf_names.empty()) words.push_back("pfNames " + Names(selector.pf_names));
  if (!selector.root_devices.empty()) {
    words.push_back("rootDevices " + Names(selector.root_devices));
  }
  if (selector.virtual_function) {
    words.push_back(
        absl::StrCat("virtualFunction ", *selector.virtual_function ? "true" : "false"));
  }
  return absl::StrJoin(words, ", ");
}

}  // namespace nodedevice
