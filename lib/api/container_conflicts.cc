#include "lib/api/container_conflicts.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "lib/api/field_reader.h"

namespace nodedevice {
namespace {

// What one entry gives under one name.
template <typename Value>
struct Given {
  const Value* value;
  std::string entry;  // its name
  std::string path;
};

// The things of one kind, variables for example, that the entries so far give, by name: of each
// name the first value, and the first one that is another. Whatever comes next differs from one of
// them.
template <typename Value>
class GivenSoFar {
 public:
  GivenSoFar(std::string_view what, FieldErrors& conflicts) : what_(what), conflicts_(conflicts) {}

  void Add(const std::string& name, Given<Value> given) {
    auto [found, fresh] = given_.try_emplace(name);
    if (fresh) {
      found->second.push_back(std::move(given));
      return;
    }
    std::vector<Given<Value>>& known = found->second;
    for (const Given<Value>& other : known) {
      if (*other.value == *given.value) continue;
      conflicts_.Add(
          given.path,
          absl::StrCat("is another ", std::string(what_), " than ", other.path, " (", other.entry,
                       ") gives: a container that asks for the resources of both gets "
                       "one of the two by chance. Say the same in both, or take another "
                       "name for one, or let no container ask for both"));
      break;
    }
    if (known.size() == 1 && !(*known[0].value == *given.value)) known.push_back(std::move(given));
  }

 private:
  std::string_view what_;
  FieldErrors& conflicts_;
  std::map<std::string, std::vector<Given<Value>>> given_;  // one or two of each name
};

}  // namespace

std::vector<FieldError> ContainerConflicts(const std::vector<PluginSpec>& plugins) {
  FieldErrors conflicts;
  GivenSoFar<std::string> variables("value of this variable", conflicts);
  GivenSoFar<MountEdit> mounts("mount on this container path", conflicts);
  GivenSoFar<std::string> annotations("value of this annotation", conflicts);
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    const std::string& entry = plugins[i].name;
    const ContainerEdits& container = plugins[i].container;
    const std::string path = Child(Child("spec.plugins", i), "container");
    for (const auto& [name, value] : container.envs) {
      variables.Add(name, {&value, entry, Child(Child(path, "envs"), name)});
    }
    for (std::size_t m = 0; m < container.mounts.size(); ++m) {
      const MountEdit& mount = container.mounts[m];
      mounts.Add(mount.container_path, {&mount, entry, Child(Child(path, "mounts"), m)});
    }
    for (const auto& [name, value] : container.annotations) {
      annotations.Add(name, {&value, entry, Child(Child(path, "annotations"), name)});
    }
  }
  return conflicts.Take();
}

}  // namespace nodedevice
