#include "devicemanager/spew_checksum.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice::devicemanager {
namespace {

std::uint32_t Fnv1a(const std::string& text) {
  constexpr std::uint32_t kOffsetBasis = 2166136261u;
  constexpr std::uint32_t kPrime = 16777619u;
  std::uint32_t hash = kOffsetBasis;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return hash;
}

// Elements of an iteration of (key, list of ids) pairs: "key:[a b]".
template <typename Map>
std::string SpewMap(const Map& map) {
  return absl::StrCat("map[",
                      absl::StrJoin(map, " ",
                                    [](std::string* out, const auto& element) {
                                      absl::StrAppend(out, element.first, ":[",
                                                      absl::StrJoin(element.second, " "), "]");
                                    }),
                      "]");
}

void SpewEntry(std::string* out, const PodDevicesEntry& entry) {
  std::string response = "<nil>";
  if (entry.held.response) {
    const auto as_decimal = [](std::string* bytes, char c) {
      absl::StrAppend(bytes, static_cast<unsigned>(static_cast<unsigned char>(c)));
    };
    response = absl::StrCat("[", absl::StrJoin(*entry.held.response, " ", as_decimal), "]");
  }
  absl::StrAppend(out, "{PodUID:(string)", entry.pod_uid, " ContainerName:(string)",
                  entry.container, " ResourceName:(string)", entry.resource,
                  " DeviceIDs:(checkpoint.DevicesPerNUMA)", SpewMap(entry.held.by_node),
                  " AllocResp:([]uint8)", response, "}");
}

}  // namespace

std::uint32_t SpewChecksum(const std::vector<PodDevicesEntry>& entries,
                           const std::map<std::string, std::vector<std::string>>& registered) {
  std::string text = "(checkpoint.checkpointData){PodDeviceEntries:([]checkpoint.PodDevicesEntry)";
  absl::StrAppend(&text, entries.empty()
                             ? "<nil>"
                             : absl::StrCat("[", absl::StrJoin(entries, " ", SpewEntry), "]"));
  absl::StrAppend(&text, " RegisteredDevices:(map[string][]string)", SpewMap(registered), "}");
  return Fnv1a(text);
}

}  // namespace nodedevice::devicemanager
