#include "lib/api/crypto_config_sets.h"

#include <map>
#include <utility>

#include "lib/api/plugin_spec.h"
#include "lib/kubelet/resource_name.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxSets = 1024;
// What its plugin puts before the name of a set to name the resource.
constexpr char kDomain[] = "cex.s390.ibm.com/";

// The file says "" for what it does not say.
bool Says(ObjectReader& reader, std::string_view key) {
  const std::optional<Element> value = reader.Any(key);
  const auto* text = value ? value->value->get_ptr<const std::string*>() : nullptr;
  return value && (text == nullptr || !text->empty());
}

CryptoConfigSet ReadSet(const Element& element, ApqnPlaces& places, FieldErrors& errors) {
  CryptoConfigSet set;
  ObjectReader reader(element, errors);
  reader.Require("setname");
  if (auto name = reader.Text("setname");
      name && reader.Check("setname", ValidateExtendedResourceName(kDomain + *name))) {
    set.name = *std::move(name);
  }
  // Whose it is; nothing here asks for it, but a file without it is none of IBM's.
  reader.Require("project");
  if (const auto project = reader.Text("project"); project && project->empty()) {
    reader.Fail("project", "must not be empty");
  }
  if (Says(reader, "cexmode")) set.mode = ReadCexMode(reader, "cexmode");
  if (Says(reader, "mincexgen")) {
    set.min_generation = ReadCexGeneration(reader, "mincexgen").value_or(0);
  }
  if (const auto limit = reader.Integer("overcommit", 0, kMaxOvercommit); limit && *limit > 0) {
    set.overcommit = static_cast<int>(*limit);
  }
  if (const auto live = reader.Integer("livesysfs", 0, 1)) set.live_sysfs = *live == 1;
  set.apqns = ReadApqns(
      reader.List("apqns", kMaxApqns), places,
      [](ObjectReader& entry) { return entry.Text("machineid").value_or(""); }, errors);
  return set;
}

}  // namespace

Parsed<std::vector<CryptoConfigSet>> ParseCryptoConfigSets(std::string_view text) {
  Parsed<std::vector<CryptoConfigSet>> parsed;
  const auto document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    parsed.errors.push_back({"", "is not JSON"});
    return parsed;
  }
  FieldErrors errors;
  ObjectReader reader({&document, ""}, errors);
  ApqnPlaces places;
  std::map<std::string, std::string> names;  // name -> where
  for (const Element& element : reader.List("cryptoconfigsets", kMaxSets)) {
    CryptoConfigSet set = ReadSet(element, places, errors);
    const auto [first, fresh] = names.emplace(set.name, element.path);
    if (!fresh && !set.name.empty()) {
      errors.Add(Child(element.path, "setname"),
                 absl::StrCat(Quoted(set.name), " is already the name of ", first->second));
    }
    parsed.value.push_back(std::move(set));
  }
  parsed.errors = errors.Take();
  return parsed;
}

AdjunctProcessor WithSet(AdjunctProcessor entry, const CryptoConfigSet& set) {
  entry.apqns = set.apqns;
  entry.mode = set.mode;
  entry.min_generation = set.min_generation;
  entry.overcommit = set.overcommit.value_or(entry.overcommit);
  entry.live_sysfs = set.live_sysfs.value_or(entry.live_sysfs);
  return entry;
}

}  // namespace nodedevice
