#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace nodedevice::testing::mco {

// The OpenShift whose Machine Config Operator is played. The older ones answer otherwise in what
// they refuse and in how they say so.
enum class OpenShift { k4_21, k4_22, k5_0 };

// "4.21", "4.22" or "5.0".
inline std::optional<OpenShift> OpenShiftNamed(std::string_view name) {
  if (name == "4.21") return OpenShift::k4_21;
  if (name == "4.22") return OpenShift::k4_22;
  if (name == "5.0") return OpenShift::k5_0;
  return std::nullopt;
}

}  // namespace nodedevice::testing::mco
