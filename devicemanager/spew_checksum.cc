#include "devicemanager/spew_checksum.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace nodedevice::devicemanager {
namespace {

constexpr std::uint32_t kOffsetBasis = 2166136261u;
constexpr std::uint32_t kPrime = 16777619u;

}  // namespace

SpewChecksum::SpewChecksum() : hash_(kOffsetBasis) {
  Mix("(checkpoint.checkpointData){PodDeviceEntries:([]checkpoint.PodDevicesEntry)");
}

void SpewChecksum::Mix(std::string_view text) {
  for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * kPrime;
}

void SpewChecksum::AddEntry(std::string_view pod_uid, std::string_view container,
                            std::string_view resource, const HeldDevices& held) {
  Mix(std::exchange(any_entry_, true) ? " {PodUID:(string)" : "[{PodUID:(string)");
  Mix(pod_uid);
  Mix(" ContainerName:(string)");
  Mix(container);
  Mix(" ResourceName:(string)");
  Mix(resource);
  Mix(" DeviceIDs:(checkpoint.DevicesPerNUMA)map[");
  std::string_view separator;
  for (const auto& [node, ids] : held.by_node) {
    Mix(separator);
    MixIds(std::to_string(node), ids);
    separator = " ";
  }
  Mix("] AllocResp:([]uint8)");
  if (held.response) {
    separator = "[";
    for (const char byte : *held.response) {
      Mix(separator);
      const absl::AlphaNum decimal(static_cast<unsigned>(static_cast<unsigned char>(byte)));
      Mix({decimal.data(), decimal.size()});
      separator = " ";
    }
    Mix(held.response->empty() ? "[]" : "]");
  } else {
    Mix("<nil>");
  }
  Mix("}");
}

void SpewChecksum::EndEntries() {
  if (std::exchange(entries_ended_, true)) return;
  Mix(any_entry_ ? "]" : "<nil>");
  Mix(" RegisteredDevices:(map[string][]string)map[");
}

void SpewChecksum::BeginResource() {
  if (entries_ended_) {
    Mix(" ");
  } else {
    EndEntries();
  }
}

std::uint32_t SpewChecksum::Value() const {
  SpewChecksum whole = *this;
  whole.EndEntries();
  whole.Mix("]}");
  return whole.hash_;
}

}  // namespace nodedevice::devicemanager
