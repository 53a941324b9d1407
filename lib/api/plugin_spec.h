#pragma once

// How the two parsers of device_plugin_config.h share the reading of one plugin entry.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/api/field_reader.h"

namespace nodedevice {

// Reads one entry of spec.plugins; `text` is set only when nothing was wrong with it. Adds every
// problem to `errors`.
PluginSpec ReadPluginSpec(const Element& entry, HostPathPolicy policy, FieldErrors& errors);

// The reading of each family's own part.
Paths ReadPaths(const Element& element, HostPathPolicy policy, FieldErrors& errors);
Pci ReadPci(const Element& element, FieldErrors& errors);
Mdev ReadMdev(const Element& element, FieldErrors& errors);
Usb ReadUsb(const Element& element, FieldErrors& errors);
Nvidia ReadNvidia(const Element& element, HostPathPolicy policy, FieldErrors& errors);
Onload ReadOnload(const Element& element, HostPathPolicy policy, FieldErrors& errors);
AdjunctProcessor ReadAdjunctProcessor(const Element& element, HostPathPolicy policy,
                                      FieldErrors& errors);
Static ReadStatic(const Element& element, HostPathPolicy policy, FieldErrors& errors);
Exec ReadExec(const Element& element, FieldErrors& errors);

// What several families read: a number of PCI or USB, "1a86" or "0x1a86", and a USB selector.
std::optional<std::uint16_t> ReadHexId(ObjectReader& reader, std::string_view key);
UsbSelector ReadUsbSelector(const Element& element, FieldErrors& errors);

// What an entry and IBM's own configuration file have in common: how many queues there may be, and
// how many containers to each; the queues, with adapter and domain, both required, none twice in
// `places`, and the machine's id as `read_machine_id` reads it with whatever else is there; what a
// card is set up as ("cca"), and its generation ("cex7").
inline constexpr std::size_t kMaxApqns = 4096;
inline constexpr std::int64_t kMaxOvercommit = 100;
std::vector<Apqn> ReadApqns(const std::vector<Element>& elements, ApqnPlaces& places,
                            const std::function<std::string(ObjectReader&)>& read_machine_id,
                            FieldErrors& errors);
std::optional<CexMode> ReadCexMode(ObjectReader& reader, std::string_view key);
std::optional<int> ReadCexGeneration(ObjectReader& reader, std::string_view key);

// What an entry and NVIDIA's own configuration have in common, under the same keys: what becomes of
// MIG devices; how containers get their devices, each way once; and how devices are called there
// (deviceIDStrategy, passDeviceSpecs, cdiAnnotationPrefix), where `nvidia` keeps what is not said.
inline constexpr std::size_t kMaxListStrategies = 4;
std::optional<Nvidia::MigStrategy> ReadMigStrategy(ObjectReader& reader);
std::vector<Nvidia::ListStrategy> ReadListStrategies(const std::vector<Element>& entries,
                                                     FieldErrors& errors);
void ReadGpuNaming(ObjectReader& reader, Nvidia& nvidia);

// How often a device may be announced at most.
inline constexpr std::int64_t kMaxReplicas = 100'000;

// What families have in common: the permissions of a device node, mounts with unique container
// paths, the name of a variable, and the two parts of a CDI name, "vendor.example/class" and what
// stands after the '='.
absl::Status CheckPermissions(std::string_view permissions);
std::vector<MountEdit> ReadMounts(ObjectReader& reader, std::size_t limit, HostPathPolicy policy,
                                  FieldErrors& errors);
bool IsVariableName(std::string_view name);
bool IsCdiKind(std::string_view kind);
bool IsCdiDevice(std::string_view name);

// The reading of what every family but exec takes.
ContainerEdits ReadContainerEdits(const Element& element, HostPathPolicy policy,
                                  FieldErrors& errors);
Sharing ReadSharing(const Element& element, FieldErrors& errors);
HealthPolicy ReadHealthPolicy(const Element& element, FieldErrors& errors);

}  // namespace nodedevice
