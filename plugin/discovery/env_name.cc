#include "plugin/discovery/env_name.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace nodedevice {

std::string KubeVirtVariable(std::string_view prefix, std::string_view resource) {
  std::string name = absl::StrCat(std::string(prefix), "_", std::string(resource));
  for (char& c : name) {
    c = c == '/' || c == '.' ? '_' : absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return name;
}

std::string SriovVariable(std::string_view resource) {
  std::string name = KubeVirtVariable("PCIDEVICE", resource);
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

}  // namespace nodedevice
