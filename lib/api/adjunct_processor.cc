// The family adjunctProcessor of a plugin entry.

#include "lib/api/adjunct_processor.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "lib/api/host_path.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::int64_t kMaxNumber = 255;  // of adapters, and of domains
constexpr std::size_t kMaxMachineId = 64;
constexpr std::size_t kMaxSetName = 63;
constexpr std::string_view kShadowFolder = "/var/";

bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

absl::Status CheckMachineId(std::string_view text) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '-');
  const bool good = text.size() <= kMaxMachineId && parts.size() == 3 &&
                    std::ranges::all_of(parts, [](absl::string_view part) {
                      return !part.empty() && std::all_of(part.begin(), part.end(), IsAlnum);
                    });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "must be manufacturer, type and sequence code of the machine, joined by '-', such as "
      "\"IBM-3906-00000000000829E7\", is ",
      Quoted(text)));
}

absl::Status CheckSetName(std::string_view name) {
  const bool good = !name.empty() && name.size() <= kMaxSetName && IsAlnum(name.front()) &&
                    IsAlnum(name.back()) && std::ranges::all_of(name, [](char c) {
                      return IsAlnum(c) || c == '-' || c == '_' || c == '.';
                    });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be 1 to ", kMaxSetName,
                   " letters, digits, '-', '_' and '.', with a letter or digit at both ends, is ",
                   Quoted(name)));
}

absl::Status CheckShadowPath(std::string_view path, HostPathPolicy policy) {
  RETURN_IF_ERROR(CheckHostPath(path, policy));
  if (path.starts_with(kShadowFolder)) return absl::OkStatus();
  return absl::InvalidArgumentError("must be below /var");
}

// The rest of an APQN that has adapter and domain.
std::string ReadMachineId(ObjectReader& entry) {
  std::optional<std::string> id = entry.Text("machineId");
  const bool good = id && entry.Check("machineId", CheckMachineId(*id));
  entry.RejectUnknown();
  return good ? *std::move(id) : "";
}

Apqn ReadApqnNumbers(ObjectReader& reader) {
  Apqn apqn;
  for (const auto& [key, number] :
       {std::pair("adapter", &apqn.adapter), std::pair("domain", &apqn.domain)}) {
    reader.Require(key);
    *number = static_cast<int>(reader.Integer(key, 0, kMaxNumber).value_or(0));
  }
  return apqn;
}

}  // namespace

std::string ApqnPlaces::Clash(const Apqn& apqn) const {
  const auto same = places_.find({apqn.adapter, apqn.domain});
  if (same == places_.end()) return "";
  const ByMachine& machines = same->second;
  // One of any machine meets all others.
  auto other = apqn.machine_id.empty() ? machines.begin() : machines.find("");
  if (other == machines.end()) other = machines.find(apqn.machine_id);
  if (other == machines.end()) return "";
  return absl::StrCat("adapter ", apqn.adapter, ", domain ", apqn.domain, " is already in ",
                      other->second, "; both may stand only with different machine ids");
}

void ApqnPlaces::Add(const Apqn& apqn, std::string place) {
  places_[{apqn.adapter, apqn.domain}].emplace(apqn.machine_id, std::move(place));
}

std::vector<Apqn> ReadApqns(const std::vector<Element>& elements, ApqnPlaces& places,
                            const std::function<std::string(ObjectReader&)>& read_machine_id,
                            FieldErrors& errors) {
  std::vector<Apqn> apqns;
  for (const Element& element : elements) {
    const std::size_t before = errors.count();
    ObjectReader entry(element, errors);
    Apqn apqn = ReadApqnNumbers(entry);
    apqn.machine_id = read_machine_id(entry);
    if (errors.count() == before) {
      std::string clash = places.Clash(apqn);
      if (!clash.empty()) entry.FailHere(std::move(clash));
      places.Add(apqn, element.path);
    }
    apqns.push_back(std::move(apqn));
  }
  return apqns;
}

std::optional<CexMode> ReadCexMode(ObjectReader& reader, std::string_view key) {
  return reader.Choice<CexMode>(
      key, {{"ep11", CexMode::kEp11}, {"cca", CexMode::kCca}, {"accel", CexMode::kAccel}});
}

std::optional<int> ReadCexGeneration(ObjectReader& reader, std::string_view key) {
  return reader.Choice<int>(
      key, {{"cex4", 4}, {"cex5", 5}, {"cex6", 6}, {"cex7", 7}, {"cex8", 8}, {"cex9", 9}});
}

AdjunctProcessor ReadAdjunctProcessor(const Element& element, HostPathPolicy policy,
                                      FieldErrors& errors) {
  AdjunctProcessor family;
  ObjectReader reader(element, errors);
  const bool has_file = reader.Has("configFile");
  const bool has_set = reader.Has("set");
  if (reader.Has("apqns") == has_file) {
    if (reader.readable()) reader.FailHere("needs exactly one of apqns and configFile");
  } else if (has_file != has_set) {
    reader.FailHere(has_file ? "needs set with configFile: which of its sets is meant"
                             : "has a set without the configFile that it is in");
  }
  if (reader.Has("apqns")) {
    ApqnPlaces places;
    family.apqns =
        ReadApqns(reader.NonEmptyList("apqns", kMaxApqns), places, ReadMachineId, errors);
  }
  family.mode = ReadCexMode(reader, "mode");
  family.min_generation = ReadCexGeneration(reader, "minGeneration").value_or(0);
  for (const std::string_view key : {"mode", "minGeneration"}) {
    if (has_file && reader.Has(key)) {
      reader.Fail(key, "does not apply with configFile, whose set says it");
    }
  }
  family.overcommit =
      static_cast<int>(reader.Integer("overcommit", 1, kMaxOvercommit).value_or(family.overcommit));
  family.live_sysfs = reader.Bool("liveSysfs").value_or(family.live_sysfs);
  if (auto path = reader.Text("shadowPath");
      path && reader.Check("shadowPath", CheckShadowPath(*path, policy))) {
    family.shadow_path = *std::move(path);
  }
  if (auto path = reader.Text("configFile");
      path && reader.Check("configFile", CheckHostPath(*path, policy))) {
    family.config_file = *std::move(path);
  }
  if (auto name = reader.Text("set"); name && reader.Check("set", CheckSetName(*name))) {
    family.set = *std::move(name);
  }
  reader.RejectUnknown();
  return family;
}

}  // namespace nodedevice
