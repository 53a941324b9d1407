#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "devicemanager/checkpoint.h"
#include "lib/base/status.h"
#include "tests/cluster/stories/parity_subject.h"
#include "tests/support/fake_plugin.h"

namespace nodedevice::testing {

// One scenario on one Device Manager: does what the scenario says and writes down what came of it,
// in a journal that must be the same on both. A resource, a plugin's socket and a pod get the
// scenario's name as a prefix, so that scenarios can follow each other on one node.
class Play {
 public:
  Play(Subject& subject, std::string scenario)
      : subject_(subject), scenario_(std::move(scenario)) {}
  ~Play();

  // "example.com/<scenario>.<name>"
  std::string Resource(const std::string& name = "a") const;

  // A plugin that lists devices of these names: "<scenario>-<name>" on the wire.
  FakePlugin& Plugin(const std::string& name, const std::vector<std::string>& devices,
                     PluginScript script = {});
  std::vector<std::string> Ids(const std::vector<std::string>& devices) const;
  // One whose socket is in plugins_registry, under this file name, where the Device Manager finds
  // it and asks `script.info`.
  FakePlugin& RegistryPlugin(const std::string& file, const std::vector<std::string>& devices,
                             PluginScript script);

  // Each writes what it did and what came of it.
  void Register(FakePlugin& plugin, const std::string& resource);
  void RegisterRaw(const v1beta1::RegisterRequest& request);
  // Waits until the node shows these numbers; writes what it shows then.
  void Shows(const std::string& resource, Node::Counts wanted);
  // Waits until the plugin has so many open streams, and so many that were ended by the other side.
  void Streams(FakePlugin& plugin, int open, int cancelled);
  // Waits until a plugin in plugins_registry has been told so often how its registration went.
  void Told(const FakePlugin& plugin, int times);
  // The plugin ends, and its socket goes with it.
  void Gone(FakePlugin& plugin);
  void Admit(const std::string& pod, const std::map<std::string, int>& limits);
  // The same with the containers, and init containers, of a pod spec.
  void AdmitSpec(const std::string& pod, const Json& spec);
  void Delete(const std::string& pod);
  void Restart();
  // What podresources says that the pod's container "main" holds.
  void Holds(const std::string& pod);
  // The same for every container, with NUMA nodes, and what is allocatable.
  void PodResources(const std::string& pod);
  // The entries of this scenario in the checkpoint.
  void Checkpoint();
  void Calls(const FakePlugin& plugin);
  void Write(const std::string& line) { journal_.push_back(line); }

  const std::vector<std::string>& journal() const { return journal_; }
  Subject& subject() { return subject_; }

 private:
  FakePlugin& Serve(const std::filesystem::path& socket, const std::vector<std::string>& devices,
                    PluginScript script);
  Json Manifest(const std::string& pod, const Json& spec) const;
  absl::StatusOr<devicemanager::Checkpoint> ReadCheckpoint() const;
  KubeletView View() const { return KubeletView(subject_.paths().pod_resources_socket()); }

  Subject& subject_;
  const std::string scenario_;
  std::vector<std::string> journal_;
  std::list<FakePlugin> plugins_;
  std::vector<std::string> pods_;
};

struct Scenario {
  std::string name;
  std::function<void(Play&)> play;
  std::string topology_policy = "none";  // as in the kubelet's topologyManagerPolicy
};
// Every scenario that is compared.
const std::vector<Scenario>& Scenarios();

}  // namespace nodedevice::testing
