#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nodedevice {

// The profile in the name that the driver gives a MIG device: "1g.5gb" of "NVIDIA A100-SXM4-40GB
// MIG 1g.5gb". Nullopt when the name ends with none.
std::optional<std::string> MigProfileOfName(std::string_view name);

// The profile made of what the device has: compute and GPU slices, its memory in MiB, and the bytes
// of its GPU. The memory is rounded up to eighths of the GPU's, as the vendor does.
std::string MigProfileOf(unsigned compute_slices, unsigned gpu_slices, std::uint64_t memory_mib,
                         std::uint64_t gpu_bytes);

// Whether all that the profile has of a GPU computes for one container: "3g.20gb", not
// "1c.3g.20gb". Others have no resource name of their own.
bool IsWholeMigProfile(std::string_view profile);

}  // namespace nodedevice
