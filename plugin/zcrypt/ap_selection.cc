#include "plugin/zcrypt/ap_selection.h"

#include <algorithm>
#include <utility>

#include "lib/api/crypto_config_sets.h"
#include "plugin/node_file.h"
#include "plugin/zcrypt/ap_bus.h"

namespace nodedevice {

ApSelection::ApSelection(AdjunctProcessor entry, const HostRoot& host)
    : entry_(std::move(entry)), host_(host), last_good_(entry_) {}

ApSelection::State ApSelection::Read() {
  State state;
  state.family = entry_.config_file.empty() ? entry_ : FromFile(state.notes);
  KeepOwn(state);
  return state;
}

AdjunctProcessor ApSelection::FromFile(std::vector<std::string>& notes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string& path = entry_.config_file;
  const auto refuse = [&](const std::string& why) {
    notes.push_back(absl::StrCat(path, " is not in force, what it said last is: ", why));
    return last_good_;
  };
  const auto text = ReadNodeFile(host_, path);
  if (!text.ok()) return refuse(std::string(text.status().message()));
  const auto parsed = ParseCryptoConfigSets(*text);
  // The first one; the file's owner finds the others one by one, as with the original.
  if (!parsed.ok()) return refuse(ToString({parsed.errors.front()}));
  const auto set = std::ranges::find(parsed.value, entry_.set, &CryptoConfigSet::name);
  if (set == parsed.value.end()) {
    last_good_ = entry_;
    notes.push_back(absl::StrCat(path, " has no set '", entry_.set, "'"));
  } else {
    last_good_ = WithSet(entry_, *set);
  }
  return last_good_;
}

void ApSelection::KeepOwn(State& state) const {
  std::vector<Apqn>& apqns = state.family.apqns;
  const auto any_machine = [](const Apqn& apqn) { return apqn.machine_id.empty(); };
  if (std::ranges::all_of(apqns, any_machine)) return;
  const auto machine = ReadMachineId(host_);
  if (!machine.ok()) {
    state.notes.push_back(
        absl::StrCat("the id of this machine cannot be told, so queues with a machine id are left "
                     "out: ",
                     machine.status().message()));
  }
  std::erase_if(apqns, [&](const Apqn& apqn) {
    return !any_machine(apqn) && (!machine.ok() || apqn.machine_id != *machine);
  });
}

}  // namespace nodedevice
