#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/api/plugin_report.h"
#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "plugin/affinity.h"
#include "plugin/device.h"
#include "plugin/discovery/maker.h"
#include "plugin/discovery/preparer.h"

namespace nodedevice {

// What a file of the node says of one resource, instead of what the entry says.
struct ResourceTerms {
  Sharing sharing;
  std::optional<Preference> preference = {};  // nullopt: the entry's
  Discovery discovery;                        // how containers are told
  bool operator==(const ResourceTerms&) const = default;
};

// What one look at the host found.
struct Inventory {
  // By resource name. A later scan may bring further names; one that was there stays, empty or not.
  std::map<std::string, DeviceSet> resources;
  // By resource name, of those for which the entry alone does not hold.
  std::map<std::string, ResourceTerms> terms = {};
  std::shared_ptr<const Affinity> affinity = {};  // of whole devices; null: nothing is known
  // For people, why something is not announced: "/dev/kvm does not exist".
  std::vector<std::string> notes;
  // Where entries that appear or vanish are a reason to look again; below the host root.
  std::set<std::filesystem::path> directories;
  // Why nothing is to be registered yet: "/run/x exists". Of no matter once it was empty.
  std::string hold = {};
};

// One way of finding devices. A source reads the host below its root and tells what is there now,
// completely; it remembers nothing that matters and decides nothing about health over time. How to
// add one: docs/adding-a-discovery-source.md.
//
// Scan() may block on the file system and is called on the worker thread only, never twice at the
// same time. An error keeps what was announced before and is shown to people.
class DiscoverySource {
 public:
  virtual ~DiscoverySource() = default;
  virtual absl::StatusOr<Inventory> Scan() = 0;

  // For a source that hears of changes by itself: it calls `on_news` on any thread when a scan
  // would find something else, until it is destroyed. To be called once, before the first scan.
  virtual void OnNews(const std::function<void()>& /*on_news*/) {}

  // How often its entry wants to know how much of the devices is in use; nullopt: never.
  virtual std::optional<Duration> FiguresInterval() const { return std::nullopt; }

  // For a source that can say it: calls `done` with the figures of its devices, by their ids, on
  // any thread, or never when nobody answers. `done` must only post. Called on the worker thread,
  // as Scan() is, and must not wait for a driver that may be silent.
  using Measured = std::function<void(std::vector<DeviceFigures>)>;
  virtual void Measure(const Measured& /*done*/) {}

  // For a family whose devices are made ready before a container starts; nullptr: they are as they
  // are. To be called once, before the first scan.
  virtual std::unique_ptr<DevicePreparer> MakePreparer() { return nullptr; }

  // For a family whose devices are made because the entry asks for them; nullptr: there are those
  // that there are. To be called once, before the first scan.
  virtual std::unique_ptr<DeviceMaker> MakeMaker() { return nullptr; }
};

}  // namespace nodedevice
