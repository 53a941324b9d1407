#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/api/mdev.h"
#include "lib/base/host_root.h"
#include "lib/base/status.h"
#include "plugin/discovery/maker.h"
#include "plugin/discovery/mdev_plan.h"

namespace nodedevice {

// Makes and removes mediated devices as `mdev.create` asks for: carries out what PlanMdevs()
// decides. Contract: docs/families/mdev.md.
class MdevMaker : public DeviceMaker {
 public:
  // Gives a value to a file of sysfs; the kernel acts on it before it returns.
  using Write =
      std::function<absl::Status(const std::filesystem::path& file, std::string_view value)>;

  MdevMaker(std::string resource, std::vector<MdevCreation> rules, const HostRoot& host,
            Write write);

  Result Work(const Order& order, const Begins& begins, const std::stop_token& stop) override;

 private:
  using Place = std::pair<std::string, std::string>;  // parent and id of the type
  using Failures = std::map<Place, std::string>;

  // What there is now; where making has failed there is no room.
  MdevPlan Plan(const Failures& failures) const;
  void Remove(const MdevPlan& plan, const Order& order, const Begins& begins,
              const std::stop_token& stop, Result& result) const;
  void Make(const Begins& begins, const std::stop_token& stop, Result& result) const;
  absl::Status RemoveOne(const std::string& uuid, const Begins& begins) const;
  absl::Status MakeOne(const MdevPlan::Make& device, const Begins& begins) const;
  bool IsThere(const std::string& uuid) const;

  const std::string resource_;
  const std::vector<MdevCreation> rules_;
  const HostRoot host_;
  const Write write_;
};

}  // namespace nodedevice
