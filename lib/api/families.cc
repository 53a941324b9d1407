// The families paths and exec of a plugin entry.

#include <algorithm>

#include "lib/api/host_path.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxGroups = 256;
constexpr std::size_t kMaxGroupMembers = 32;
constexpr std::size_t kMaxArguments = 256;
constexpr std::int64_t kMaxLimit = 100'000;

PathRule ReadPathRule(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  PathRule rule;
  ObjectReader reader(element, errors);
  reader.Require("path");
  if (auto path = reader.Text("path");
      path && reader.Check("path", CheckHostPattern(*path, policy))) {
    rule.pattern = *std::move(path);
  }
  if (auto path = reader.Text("containerPath");
      path && reader.Check("containerPath", CheckContainerPath(*path, /*may_be_folder=*/true))) {
    rule.container_path = *std::move(path);
  }
  rule.type = reader
                  .Choice<PathRule::Type>("type", {{"Device", PathRule::Type::kDevice},
                                                   {"Mount", PathRule::Type::kMount}})
                  .value_or(rule.type);
  if (auto permissions = reader.Text("permissions");
      permissions && reader.Check("permissions", CheckPermissions(*permissions))) {
    rule.permissions = *std::move(permissions);
  }
  if (rule.type == PathRule::Type::kMount && reader.Has("permissions")) {
    reader.Fail("permissions", "applies to type Device only; a mount has readOnly");
  }
  rule.read_only = reader.Bool("readOnly").value_or(rule.read_only);
  if (rule.type == PathRule::Type::kDevice && reader.Has("readOnly")) {
    reader.Fail("readOnly", "applies to type Mount only; a device has permissions");
  }
  rule.optional = reader.Bool("optional").value_or(rule.optional);
  rule.limit = static_cast<int>(reader.Integer("limit", 1, kMaxLimit).value_or(rule.limit));
  if (reader.Has("limit") && CountWildcards(rule.pattern) > 0) {
    reader.Fail("limit",
                "applies to paths without wildcards only; sharing.replicas shares devices");
  }
  reader.RejectUnknown();
  return rule;
}

// What the paths of one group owe each other.
void CheckTogether(const std::vector<PathRule>& paths, ObjectReader& group) {
  if (std::all_of(paths.begin(), paths.end(), [](const PathRule& p) { return p.optional; })) {
    group.Fail("paths", "at least one path of a group must not be optional");
  }
  const PathRule* first = nullptr;
  for (const PathRule& path : paths) {
    const std::size_t wildcards = CountWildcards(path.pattern);
    if (wildcards == 0) continue;
    if (first == nullptr) first = &path;
    if (wildcards == CountWildcards(first->pattern)) continue;
    group.Fail("paths",
               absl::StrCat("paths with wildcards are paired by the text that these match, so all "
                            "need the same number of them: ",
                            Quoted(first->pattern), " has ", CountWildcards(first->pattern), ", ",
                            Quoted(path.pattern), " has ", wildcards));
    return;
  }
}

PathGroup ReadPathGroup(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  PathGroup group;
  ObjectReader reader(element, errors);
  const bool has_paths = reader.Has("paths");
  const bool has_usb = reader.Has("usb");
  if (has_paths == has_usb) {
    if (reader.readable()) reader.FailHere("needs exactly one of paths and usb");
  } else if (has_paths) {
    const std::size_t before = errors.count();
    for (const Element& path : reader.NonEmptyList("paths", kMaxGroupMembers)) {
      group.paths.push_back(ReadPathRule(path, policy, errors));
    }
    if (errors.count() == before) CheckTogether(group.paths, reader);
  } else {
    for (const Element& selector : reader.NonEmptyList("usb", kMaxGroupMembers)) {
      group.usb.push_back(ReadUsbSelector(selector, errors));
    }
  }
  reader.RejectUnknown();
  return group;
}

}  // namespace

Paths ReadPaths(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  Paths paths;
  ObjectReader reader(element, errors);
  for (const Element& group : reader.NonEmptyList("groups", kMaxGroups)) {
    paths.groups.push_back(ReadPathGroup(group, policy, errors));
  }
  reader.RejectUnknown();
  return paths;
}

Exec ReadExec(const Element& element, FieldErrors& errors) {
  Exec exec;
  const std::size_t before = errors.count();
  ObjectReader reader(element, errors);
  for (const Element& argument : reader.NonEmptyList("command", kMaxArguments)) {
    exec.command.push_back(ReadText(argument, errors).value_or(""));
  }
  if (!exec.command.empty() && errors.count() == before && !exec.command[0].starts_with('/')) {
    errors.Add(Child(Child(element.path, "command"), 0),
               absl::StrCat("must be an absolute path, is ", Quoted(exec.command[0])));
  }
  reader.RejectUnknown();
  return exec;
}

}  // namespace nodedevice
