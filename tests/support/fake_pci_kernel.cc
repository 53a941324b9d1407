#include "tests/support/fake_pci_kernel.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "lib/base/file.h"

namespace nodedevice::testing {

namespace fs = std::filesystem;

std::string FakePciKernel::DriverOf(const std::string& address) const {
  std::error_code error;
  const fs::path link = fs::read_symlink(node_.Under(bus_.Of(address, "driver")), error);
  return error ? "" : link.filename().string();
}

absl::Status FakePciKernel::Write(const fs::path& file, std::string_view value) {
  const std::string text(absl::StripAsciiWhitespace(absl::string_view(value.data(), value.size())));
  const std::string name = file.filename();
  // What is written to the bus names a function; what is written to a function does not.
  const bool of_function = name == "driver_override";
  const std::string address = of_function ? file.parent_path().filename().string() : text;
  const std::string written =
      of_function ? absl::StrCat(name, " ", address, " <- ", text) : absl::StrCat(name, " ", text);
  trace_.push_back(written);
  if (const auto refusal = std::ranges::find(refused_, written); refusal != refused_.end()) {
    refused_.erase(refusal);
    return ErrnoStatus(EIO, file.string());
  }
  if (of_function) {
    node_.Write(bus_.Of(address, name), absl::StrCat(text, "\n"));
  } else if (name == "unbind") {
    if (DriverOf(address).empty()) return ErrnoStatus(ENODEV, file.string());
    bus_.Bind(address, "");
  } else if (name == "drivers_probe") {
    Probe(address);
  } else {
    return ErrnoStatus(ENOENT, file.string());
  }
  return absl::OkStatus();
}

void FakePciKernel::Probe(const std::string& address) {
  if (!DriverOf(address).empty()) return;
  const auto text = ReadAttribute(node_.Under(bus_.Of(address, "driver_override")));
  const bool overridden = text.ok() && !text->empty() && *text != "(null)";
  if (overridden && stubborn_.contains(address)) return;
  const std::string driver = overridden ? *text : home_[address];
  if (driver.empty()) return;
  bus_.Bind(address, driver);
  std::error_code error;
  const fs::path group = fs::read_symlink(node_.Under(bus_.Of(address, "iommu_group")), error);
  if (!error && driver.find("vfio") != std::string::npos) bus_.MakeGroupNode(group.filename());
}

}  // namespace nodedevice::testing
