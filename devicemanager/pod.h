#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"

namespace nodedevice::devicemanager {

// How a container takes part in its pod, which decides who may use its devices after it.
enum class ContainerKind {
  kInit,     // ends before the next one starts
  kSidecar,  // an init container with restartPolicy: Always
  kApp,
};

std::string_view ToString(ContainerKind kind);

struct Container {
  std::string name;
  ContainerKind kind = ContainerKind::kApp;
  std::map<std::string, int> limits;  // extended resources only
};

// The part of a Pod that a Device Manager looks at.
struct Pod {
  std::string name;
  std::string namespace_name;         // "default" when the manifest has none
  std::string uid;                    // empty when the manifest has none
  std::vector<Container> containers;  // init containers and sidecars first, each group in order
};

// Reads the manifest of one Pod. Fields that have nothing to do with devices are not looked at.
// What the API server would refuse is an error that names the field, such as
// "spec.containers[0].resources.limits[example.com/a]: ...".
absl::StatusOr<Pod> ParsePod(std::string_view yaml);

}  // namespace nodedevice::devicemanager
