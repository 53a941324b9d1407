#pragma once

#include <signal.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/controller/controller_fixture.h"

namespace nodedevice::testing {

inline constexpr char kMco[] = "/apis/machineconfiguration.openshift.io/v1/";
inline constexpr char kOurs[] = "node-devices-shop-worker";

// A cluster with a Machine Config Operator that behaves as the real one was seen to; w1 and w2 are
// nodes of its pool worker.
class ManageTest : public ControllerTest {
 protected:
  ManageTest() {
    server_.Put("/apis", {{"groups", Json::array({{{"name", "machineconfiguration.openshift.io"}},
                                                  {{"name", "config.openshift.io"}}})}});
    for (const char* node : {"w1", "w2"}) {
      server_.Put(absl::StrCat("/api/v1/nodes/", node),
                  NodeWith({{"node-role.kubernetes.io/worker", ""}}));
    }
    StartOperator();
  }
  ~ManageTest() override {
    if (HasFailure()) std::fprintf(stderr, "---- the operator's log:\n%s", mco_->Output().c_str());
  }

  // Once more, with these arguments beside the usual ones.
  void RestartOperator(const std::vector<std::string>& more) {
    mco_->Signal(SIGKILL);
    mco_->Wait();
    StartOperator(more);
  }

  void StartOperator(const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"fake-mco",
                                     "--kubeconfig",
                                     (dir_.path() / "kubeconfig").string(),
                                     "--render-delay",
                                     "50",
                                     "--update-time",
                                     "50"};
    line.insert(line.end(), more.begin(), more.end());
    mco_ = std::make_unique<Program>(line, dir_.path() / "mco.log");
    // Its pools are there, and its nodes are as they are to be.
    EXPECT_TRUE(WaitFor([this] { return IsUpdated(); }));
  }

  // A configuration for the pool worker.
  static Json Managing(const Json& device_manager, const Json& preparation = {}) {
    Json config = ConfigFor("", "one");
    config["spec"].erase("nodeSelector");
    config["spec"]["machineConfigPoolSelector"] = {
        {"matchLabels", {{"pools.operator.machineconfiguration.openshift.io/worker", ""}}}};
    config["spec"]["deviceManager"] = device_manager;
    if (!preparation.is_null()) config["spec"]["nodePreparation"] = preparation;
    return config;
  }
  static Json WithConsent() {
    return {{"mode", "Manage"}, {"allowReboot", true}, {"topologyManagerPolicy", "best-effort"}};
  }

  std::optional<Json> Mco(const std::string& kind, const std::string& name) const {
    return server_.Find(absl::StrCat(kMco, kind, "/", name));
  }
  // What the nodes of the pool have by now.
  Json Rendered() const {
    const Json pool = Mco("machineconfigpools", "worker").value_or(Json::object());
    const std::string name = pool.value(Json::json_pointer("/status/configuration/name"), "");
    return Mco("machineconfigs", name).value_or(Json::object());
  }
  std::string RenderedName() const {
    return Rendered().value(Json::json_pointer("/metadata/name"), "");
  }
  bool IsUpdated() const {
    const Json pool = Mco("machineconfigpools", "worker").value_or(Json::object());
    const std::string has = pool.value(Json::json_pointer("/status/configuration/name"), "");
    if (has.empty() || has != pool.value(Json::json_pointer("/spec/configuration/name"), "")) {
      return false;
    }
    return pool.value(Json::json_pointer("/status/updatedMachineCount"), 0) == 2;
  }
  std::string Message(const std::string& type) const {
    const Json object = server_.Find(PathOf("shop")).value_or(Json::object());
    for (const Json& condition :
         object.value("status", Json::object()).value("conditions", Json::array())) {
      if (condition["type"] == type) return condition["message"];
    }
    return "";
  }
  // What the operator would say of our KubeletConfig; it is to be dead then.
  void Refuse(const std::string& message) {
    const Json ours = Mco("kubeletconfigs", kOurs).value();
    server_.Merge(absl::StrCat(kMco, "kubeletconfigs/", kOurs, "/status"),
                  {{"status",
                    {{"observedGeneration", ours["metadata"]["generation"]},
                     {"conditions",
                      {{{"type", "Failure"},
                        {"status", "False"},
                        {"reason", "Refused"},
                        {"message", message}}}}}}});
  }
  // A KubeletConfig of somebody else for the pool.
  void PutForeign() {
    const std::string before = RenderedName();
    server_.Put(
        absl::StrCat(kMco, "kubeletconfigs/performance"),
        {{"apiVersion", "machineconfiguration.openshift.io/v1"},
         {"kind", "KubeletConfig"},
         {"spec",
          {{"machineConfigPoolSelector",
            {{"matchLabels", {{"pools.operator.machineconfiguration.openshift.io/worker", ""}}}}},
           {"kubeletConfig", {{"maxPods", 300}}}}}});
    ASSERT_TRUE(WaitFor([&] {
      const Json foreign = Mco("kubeletconfigs", "performance").value();
      return foreign.dump().find("\"type\":\"Success\"") != std::string::npos && IsUpdated() &&
             RenderedName() != before;
    }));
  }

  std::unique_ptr<Program> mco_;
};

}  // namespace nodedevice::testing
