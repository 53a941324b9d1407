#include "plugin/nvidia/xid_health.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

constexpr std::uint64_t kMemoryError = 48;

// What an administrator is told of the errors that are seen most.
constexpr std::array<std::pair<std::uint64_t, const char*>, 9> kMeanings = {{
    {kMemoryError, "memory error that cannot be corrected"},
    {63, "memory rows are remapped at the next reset"},
    {64, "memory rows could not be remapped"},
    {74, "NVLink failed"},
    {79, "the GPU has fallen off the bus"},
    {94, "contained memory error"},
    {95, "memory error that was not contained"},
    {119, "the GPU's firmware does not answer"},
    {140, "memory error that was not recovered from"},
}};

std::string Describe(std::uint64_t xid) {
  const auto* known =
      std::ranges::find(kMeanings, xid, &std::pair<std::uint64_t, const char*>::first);
  return known == kMeanings.end() ? absl::StrCat("XID ", xid)
                                  : absl::StrCat("XID ", xid, " (", known->second, ")");
}

bool IsAbout(const XidEvent& event, const Gpu& gpu, const MigDevice* mig) {
  if (event.uuid.empty()) return true;
  if (event.uuid != gpu.uuid) return false;
  if (mig == nullptr || !event.gpu_instance) return true;
  return *event.gpu_instance == mig->gpu_instance &&
         (!event.compute_instance || *event.compute_instance == mig->compute_instance);
}

}  // namespace

bool XidHealth::Counts(std::uint64_t xid) const {
  const auto in = [xid](const auto& list) {
    return std::ranges::any_of(list, [xid](int x) { return static_cast<std::uint64_t>(x) == xid; });
  };
  if (in(policy_.critical)) return true;
  if (in(policy_.ignored)) return false;
  return counting_ == Counting::kMemoryErrors ? xid == kMemoryError : !in(kXidsOfPrograms);
}

void XidHealth::Note(const XidEvent& event, TimePoint now) {
  std::erase_if(errors_, [&](const Error& error) {
    return error.event == event || now - error.when >= policy_.quiet;
  });
  if (Counts(event.xid)) errors_.push_back({.event = event, .when = now});
}

std::string XidHealth::ProblemOf(const Gpu& gpu, const MigDevice* mig, TimePoint now) const {
  for (auto error = errors_.rbegin(); error != errors_.rend(); ++error) {
    if (now - error->when >= policy_.quiet || !IsAbout(error->event, gpu, mig)) continue;
    return absl::StrCat("the driver has told of ", Describe(error->event.xid),
                        "; well again after ", policy_.quiet.count(), " s without an error");
  }
  return "";
}

}  // namespace nodedevice
