#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lib/kube/object_fields.h"
#include "tests/support/fake_api_server.h"
#include "tests/support/fake_mco.h"
#include "tests/support/mco/machine_configs.h"

namespace nodedevice::testing {

inline constexpr char kNoPool[] =
    "Error: could not find any MachineConfigPool set for KubeletConfig";
inline constexpr char kWorkerLabel[] = "pools.operator.machineconfiguration.openshift.io/worker";

// A cluster with the operator's own objects and the node n1 of pool worker, all at rest, whose time
// passes only when the test says so.
class FakeMcoTest : public ::testing::Test {
 protected:
  using Json = nlohmann::json;

  explicit FakeMcoTest(const FakeMco::Options& options = {}) : mco_(options) {
    AddNode("n1");
    Pass(std::chrono::minutes(1));
  }

  // ---- time ----------------------------------------------------------------------------------

  // Lets the operator do all that it does at this time.
  mco::Writes Settle() {
    mco::Writes all;
    for (int rounds = 0; rounds < 100; ++rounds) {
      FakeMco::Decision decision = mco_.Step(See(), {.now = now_, .wall = Wall()});
      look_again_at_ = decision.look_again_at;
      for (mco::NodeUpdate& update : decision.updates) updates_.push_back(std::move(update));
      if (decision.writes.empty()) return all;
      for (const mco::Write& write : decision.writes) {
        Perform(write);
        all.push_back(write);
      }
    }
    ADD_FAILURE() << "it writes for ever: " << all.back().path << " " << all.back().body;
    return all;
  }
  mco::Writes Pass(Duration time) {
    const TimePoint end = now_ + time;
    mco::Writes all = Settle();
    while (look_again_at_ && *look_again_at_ <= end) {
      now_ = std::max(now_, *look_again_at_);
      std::ranges::copy(Settle(), std::back_inserter(all));
    }
    now_ = end;
    return all;
  }
  WallSeconds Wall() const {
    return WallSeconds(std::chrono::floor<std::chrono::seconds>(now_.time_since_epoch()));
  }

  // ---- the cluster ---------------------------------------------------------------------------

  static std::string KubeletConfigPath(const std::string& name) {
    return std::string(mco::kKubeletConfigs) + "/" + name;
  }
  static std::string PoolPath(const std::string& name) {
    return std::string(mco::kPools) + "/" + name;
  }
  static std::string NodePath(const std::string& name) {
    return std::string(mco::kNodes) + "/" + name;
  }

  void AddNode(const std::string& name, const std::string& role = "worker") {
    api_.Put(NodePath(name),
             {{"metadata", {{"labels", {{"node-role.kubernetes.io/" + role, ""}}}}}});
  }
  // One that selects pool worker, by its own label unless another selector is given.
  void AddKubeletConfig(const std::string& name, const Json& body,
                        const Json& selector = {{"matchLabels", {{kWorkerLabel, ""}}}}) {
    Json spec = {{"kubeletConfig", body}};
    if (!selector.is_null()) spec["machineConfigPoolSelector"] = selector;
    api_.Put(KubeletConfigPath(name), {{"spec", spec}});
  }
  // The pool infra, whose nodes have the configuration of workers as well.
  void AddInfraPool() {
    api_.Put(
        PoolPath("infra"),
        {{"spec",
          {{"machineConfigSelector",
            {{"matchExpressions",
              {{{"key", mco::kRoleLabel}, {"operator", "In"}, {"values", {"worker", "infra"}}}}}}},
           {"nodeSelector", {{"matchLabels", {{"node-role.kubernetes.io/infra", ""}}}}}}}});
  }
  void AddMachineConfig(const std::string& name, const std::string& role = "worker") {
    api_.Put(std::string(mco::kMachineConfigs) + "/" + name,
             mco::MachineConfigOf(name, role, {mco::IgnitionFile("/etc/" + name, name)}));
  }
  void EditSpec(const std::string& name, const Json& body) {
    api_.Merge(KubeletConfigPath(name), {{"spec", {{"kubeletConfig", body}}}});
  }
  void Label(const std::string& path, const std::string& key, const Json& value) {
    api_.Merge(path, {{"metadata", {{"labels", {{key, value}}}}}});
  }
  void Annotate(const std::string& path, const std::string& key, const Json& value) {
    api_.Merge(path, {{"metadata", {{"annotations", {{key, value}}}}}});
  }

  // ---- what there is -------------------------------------------------------------------------

  Json KubeletConfig(const std::string& name) const { return Object(KubeletConfigPath(name)); }
  Json Pool(const std::string& name) const { return Object(PoolPath(name)); }
  Json Node(const std::string& name) const { return Object(NodePath(name)); }
  Json MachineConfig(const std::string& name) const {
    return Object(std::string(mco::kMachineConfigs) + "/" + name);
  }
  std::string RenderedFor(const std::string& pool) const {
    return TextAt(Pool(pool), "/spec/configuration/name");
  }
  std::vector<std::string> SourcesOf(const std::string& pool) const {
    std::vector<std::string> names;
    const Json object = Pool(pool);
    for (const Json& source : ListAt(object, "/spec/configuration/source")) {
      names.push_back(source["name"]);
    }
    return names;
  }
  // A field of kubelet.conf, as the nodes of the pool are to have it.
  Json KubeletField(const std::string& pool, const std::string& field) const {
    return Json::parse(
        mco::TextOfFile(MachineConfig(RenderedFor(pool)), "/etc/kubernetes/kubelet.conf"))[field];
  }
  // "Accepted=False Failure=True", in their order.
  std::string Conditions(const std::string& name) const {
    std::string text;
    const Json config = KubeletConfig(name);
    for (const Json& condition : ListAt(config, "/status/conditions")) {
      text += (text.empty() ? "" : " ") + TextAt(condition, "/type") + "=" +
              TextAt(condition, "/status");
    }
    return text;
  }
  std::string LastMessage(const std::string& name) const {
    const Json config = KubeletConfig(name);
    const Json& conditions = ListAt(config, "/status/conditions");
    return conditions.empty() ? "" : TextAt(conditions.back(), "/message");
  }
  Json PoolCondition(const std::string& pool, const std::string& type) const {
    const Json object = Pool(pool);
    for (const Json& condition : ListAt(object, "/status/conditions")) {
      if (TextAt(condition, "/type") == type) return condition;
    }
    return nullptr;
  }
  std::string PoolSays(const std::string& pool, const std::string& type) const {
    return TextAt(PoolCondition(pool, type), "/status");
  }
  std::string NodeSays(const std::string& node, const char* annotation) const {
    return mco::AnnotationOf(Node(node), annotation);
  }

  FakeApiServer api_;
  FakeMco mco_;
  TimePoint now_ = TimePoint() + std::chrono::hours(1000);
  std::optional<TimePoint> look_again_at_;
  std::vector<mco::NodeUpdate> updates_;  // that have begun

 private:
  Json Object(const std::string& path) const { return api_.Find(path).value_or(nullptr); }
  mco::Cluster See() const {
    return {.kubelet_configs = api_.In(mco::kKubeletConfigs),
            .machine_configs = api_.In(mco::kMachineConfigs),
            .pools = api_.In(mco::kPools),
            .nodes = api_.In(mco::kNodes)};
  }
  void Perform(const mco::Write& write) {
    switch (write.kind) {
      case mco::Write::Kind::kCreate:
        return api_.Put(write.path + "/" + mco::NameOf(write.body), write.body);
      case mco::Write::Kind::kPatch:
        return api_.Merge(write.path, write.body);
      case mco::Write::Kind::kDelete:
        return api_.Delete(write.path);
    }
  }
};

}  // namespace nodedevice::testing
