// What every family takes beside its own part: container, sharing, health.

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "lib/api/host_path.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxEdits = 256;

MountEdit ReadMount(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  MountEdit mount;
  ObjectReader reader(element, errors);
  reader.Require("hostPath");
  if (auto path = reader.Text("hostPath");
      path && reader.Check("hostPath", CheckHostPath(*path, policy))) {
    mount.host_path = *std::move(path);
  }
  reader.Require("containerPath");
  if (auto path = reader.Text("containerPath");
      path && reader.Check("containerPath", CheckContainerPath(*path, /*may_be_folder=*/false))) {
    mount.container_path = *std::move(path);
  }
  mount.read_only = reader.Bool("readOnly").value_or(false);
  reader.RejectUnknown();
  return mount;
}

bool IsMadeOf(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [others](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           others.find(c) != std::string_view::npos;
  });
}

bool IsAlnumAt(std::string_view text, std::size_t at) {
  return absl::ascii_isalnum(static_cast<unsigned char>(text[at]));
}

// "vendor.example/class=name", by the rules of the Container Device Interface.
bool IsCdiName(std::string_view text) {
  const std::size_t equals = text.find('=');
  return equals != std::string_view::npos && IsCdiKind(text.substr(0, equals)) &&
         IsCdiDevice(text.substr(equals + 1));
}

void ReadDuration(ObjectReader& reader, std::string_view key, absl::Duration low,
                  absl::Duration high, std::chrono::milliseconds& result) {
  const std::optional<std::string> text = reader.Text(key);
  if (!text) return;
  absl::Duration duration;
  if (!absl::ParseDuration(*text, &duration)) {
    reader.Fail(key,
                absl::StrCat("must be a duration such as 500ms, 30s or 5m, is ", Quoted(*text)));
  } else if (duration < low || duration > high) {
    reader.Fail(key, absl::StrCat("must be from ", absl::FormatDuration(low), " to ",
                                  absl::FormatDuration(high), ", is ", Quoted(*text)));
  } else {
    result = absl::ToChronoMilliseconds(duration);
  }
}

}  // namespace

absl::Status CheckPermissions(std::string_view permissions) {
  std::string sorted(permissions);
  std::sort(sorted.begin(), sorted.end());
  const bool known = !sorted.empty() && sorted.find_first_not_of("rwm") == std::string::npos;
  const bool once = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  if (known && once) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be some of the letters r, w, m, each once, is ", Quoted(permissions)));
}

bool IsVariableName(std::string_view name) {
  return !name.empty() && name.find('=') == std::string_view::npos;
}

bool IsCdiKind(std::string_view kind) {
  const std::size_t slash = kind.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view vendor = kind.substr(0, slash);
  const std::string_view name = kind.substr(slash + 1);
  for (const std::string_view part : {vendor, name}) {
    if (part.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(part.front()))) {
      return false;
    }
    if (!IsAlnumAt(part, part.size() - 1)) return false;
  }
  return IsMadeOf(vendor, "_-.") && IsMadeOf(name, "_-");
}

bool IsCdiDevice(std::string_view name) {
  return IsMadeOf(name, "_-.:") && IsAlnumAt(name, 0) && IsAlnumAt(name, name.size() - 1);
}

std::vector<MountEdit> ReadMounts(ObjectReader& reader, std::size_t limit, HostPathPolicy policy,
                                  FieldErrors& errors) {
  std::vector<MountEdit> mounts;
  std::map<std::string, std::string> seen;  // container path -> where
  for (const Element& entry : reader.List("mounts", limit)) {
    MountEdit mount = ReadMount(entry, policy, errors);
    const auto [first, fresh] = seen.emplace(mount.container_path, entry.path);
    if (!fresh && !mount.container_path.empty()) {
      errors.Add(Child(entry.path, "containerPath"),
                 absl::StrCat(Quoted(mount.container_path), " is already the containerPath of ",
                              first->second));
    }
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

ContainerEdits ReadContainerEdits(const Element& element, HostPathPolicy policy,
                                  FieldErrors& errors) {
  ContainerEdits edits;
  ObjectReader reader(element, errors);
  edits.envs = reader.TextMap("envs", kMaxEdits);
  for (const auto& [name, value] : edits.envs) {
    if (!IsVariableName(name)) {
      errors.Add(Child(Child(element.path, "envs"), name),
                 "the name of a variable must not be empty or hold '='");
    }
  }
  edits.mounts = ReadMounts(reader, kMaxEdits, policy, errors);
  edits.annotations = reader.TextMap("annotations", kMaxEdits);
  for (const Element& entry : reader.List("cdi", kMaxEdits)) {
    std::optional<std::string> name = ReadText(entry, errors);
    if (!name) continue;
    if (!IsCdiName(*name)) {
      errors.Add(entry.path, absl::StrCat("must be a CDI device name such as "
                                          "vendor.example/class=name, is ",
                                          Quoted(*name)));
    } else if (std::find(edits.cdi.begin(), edits.cdi.end(), *name) != edits.cdi.end()) {
      errors.Add(entry.path, absl::StrCat(Quoted(*name), " stands here twice"));
    }
    edits.cdi.push_back(*std::move(name));
  }
  reader.RejectUnknown();
  return edits;
}

Sharing ReadSharing(const Element& element, FieldErrors& errors) {
  Sharing sharing;
  ObjectReader reader(element, errors);
  sharing.replicas = static_cast<int>(reader.Integer("replicas", 1, kMaxReplicas).value_or(1));
  sharing.fail_requests_greater_than_one =
      reader.Bool("failRequestsGreaterThanOne").value_or(false);
  reader.RejectUnknown();
  return sharing;
}

HealthPolicy ReadHealthPolicy(const Element& element, FieldErrors& errors) {
  HealthPolicy health;
  ObjectReader reader(element, errors);
  ReadDuration(reader, "interval", absl::Seconds(1), absl::Hours(1), health.interval);
  ReadDuration(reader, "recover", absl::ZeroDuration(), absl::Hours(1), health.recover);
  reader.RejectUnknown();
  return health;
}

}  // namespace nodedevice
