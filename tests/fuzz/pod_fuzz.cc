#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "devicemanager/pod.h"
#include "lib/kubelet/resource_name.h"
#include "tests/fuzz/fuzz_target.h"

using nodedevice::devicemanager::Container;
using nodedevice::devicemanager::ContainerKind;
using nodedevice::fuzz::Require;

namespace {

// Names are part of what is printed and recorded under "namespace/name".
bool IsName(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos;
}

bool IsApp(const Container& container) { return container.kind == ContainerKind::kApp; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pod = nodedevice::devicemanager::ParsePod(nodedevice::fuzz::TextOf(data, size));
  if (!pod.ok()) {
    Require(absl::IsInvalidArgument(pod.status()) && !pod.status().message().empty(), "a reason");
    return 0;
  }
  Require(IsName(pod->name) && IsName(pod->namespace_name), "a pod has a name and a namespace");
  Require(!pod->containers.empty() && IsApp(pod->containers.back()), "a pod has an app container");
  Require(std::is_partitioned(pod->containers.begin(), pod->containers.end(), std::not_fn(IsApp)),
          "what starts first stands first");
  std::set<std::string> names;
  for (const Container& container : pod->containers) {
    Require(IsName(container.name), "a container has a name");
    Require(names.insert(container.name).second, "the names of containers are unique");
    for (const auto& [resource, quantity] : container.limits) {
      Require(nodedevice::ValidateExtendedResourceName(resource).ok(), "limits are of resources");
      Require(quantity >= 0, "no quantity is negative");
    }
  }
  return 0;
}
