#pragma once

// The configuration file of NVIDIA's own device plugin for Kubernetes (`version: v1`) as values of
// ours, so that a node that has one need not have it written anew. Contract: section 2.2 of the
// contracts of device plugins. Values, any thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// How the devices of one resource are shared.
struct GpuSharing {
  std::string name;          // of the resource: "nvidia.com/gpu", "nvidia.com/mig-1g.5gb"
  std::string announced_as;  // the same, or the name with ".shared" at its end
  Sharing sharing;           // two replicas or more
  bool operator==(const GpuSharing&) const = default;
};

struct NvidiaConfig {
  // The entry, with what the file says instead of what the entry could say itself.
  Nvidia family;
  std::optional<Preference> preference = {};  // of shared devices; nullopt: the entry's
  std::vector<GpuSharing> sharing = {};       // each name once; others are not shared
  // For people: what the file says in vain, "resources: ...".
  std::vector<std::string> notes = {};
  bool operator==(const NvidiaConfig&) const = default;
};

// Reads the file, YAML 1.2 or JSON, by the rules of that plugin: an empty file is a good one, an
// absent version is v1, unknown keys are passed over, a resource without a domain is one of
// nvidia.com, and of two of one name the latter counts. What it reads and does not follow
// (resources, rename, devices) is not followed here either, with a note.
//
// One error and the whole file is refused: the value is then of no use. Every error is listed with
// its path in the file, "sharing.timeSlicing.resources[0].replicas"; text that is no YAML is one
// error with an empty path. Beyond that plugin's rules an error is what cannot be done here
// (GPUDirect Storage, GDRCopy and MOFED, IMEX channels, Tegra), because a container that counts on
// it would fail later and say less; a nvidiaDriverRoot or mpsRoot that is not the entry's, because
// the entry decides which folders of the host a plugin gets to see; and more replicas with MPS than
// a server of it takes, which NVIDIA's daemon refuses.
Parsed<NvidiaConfig> ParseNvidiaConfig(std::string_view text, const Nvidia& entry);

// What the file says of the resource that is so called without sharing; nullptr: it is not shared.
const GpuSharing* SharingOf(const NvidiaConfig& config, std::string_view name);

}  // namespace nodedevice
