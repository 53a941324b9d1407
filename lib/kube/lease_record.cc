#include "lib/kube/lease_record.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "lib/kube/lease_times.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr char kHolder[] = "holderIdentity";
constexpr char kDuration[] = "leaseDurationSeconds";
constexpr char kAcquired[] = "acquireTime";
constexpr char kRenewed[] = "renewTime";
constexpr char kTransitions[] = "leaseTransitions";
constexpr std::array<const char*, 5> kFields = {kHolder, kDuration, kAcquired, kRenewed,
                                                kTransitions};
// The least that the API admits.
constexpr int kReleasedDuration = 1;

// A whole number from 0 on; nullopt for anything else. What is too large is the largest.
std::optional<std::int64_t> CountIn(const Json& value) {
  if (value.is_number_unsigned()) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(value.get<std::uint64_t>(), kMost));
  }
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0) return std::nullopt;
  return value.get<std::int64_t>();
}

Json FieldOf(const Json& spec, const char* name) {
  return spec.is_object() ? spec.value(name, Json()) : Json();
}

// How often the lease has changed hands, and `more`: an int32 to the API.
std::int64_t TransitionsOf(const Json& spec, int more) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  return std::min(CountIn(FieldOf(spec, kTransitions)).value_or(0), kMost - more) + more;
}

Json& SpecOf(Json& lease) {
  Json& spec = lease["spec"];
  if (!spec.is_object()) spec = Json::object();
  return spec;
}

void Hold(Json& spec, const std::string& identity, seconds duration) {
  spec[kHolder] = identity;
  spec[kDuration] = duration.count();
}

// A time that is not the one that stands there.
void SetRenewed(Json& spec, WallTime now) {
  std::string text = MicroTime(now);
  if (FieldOf(spec, kRenewed) == text) text = MicroTime(now + std::chrono::microseconds(1));
  spec[kRenewed] = std::move(text);
}

}  // namespace

LeaseRecord ReadLease(const Json& lease) {
  const Json& spec = ValueAt(lease, "/spec");
  LeaseRecord record;
  const std::optional<std::int64_t> duration = CountIn(FieldOf(spec, kDuration));
  if (duration && *duration > 0) {
    record.duration = seconds(std::min<std::int64_t>(*duration, LeaseTimes::kLongest.count()));
  }
  bool says_something = !spec.is_null() && !spec.is_object();
  for (const char* field : kFields) says_something |= !FieldOf(spec, field).is_null();
  if (!says_something) return record;
  record.state = LeaseRecord::State::kHeld;
  const Json holder = FieldOf(spec, kHolder);
  if (holder.is_string()) record.holder = holder.get<std::string>();
  const bool vacant = holder.is_null() || (holder.is_string() && record.holder.empty());
  if (vacant && record.duration == seconds(kReleasedDuration)) {
    record.state = LeaseRecord::State::kReleased;
  }
  return record;
}

Json NewLease(const std::string& name_space, const std::string& name, const std::string& identity,
              seconds duration, WallTime now) {
  Json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                {"kind", "Lease"},
                {"metadata", {{"namespace", name_space}, {"name", name}}}};
  Json& spec = SpecOf(lease);
  Hold(spec, identity, duration);
  spec[kAcquired] = spec[kRenewed] = MicroTime(now);
  spec[kTransitions] = 0;
  return lease;
}

Json TakenLease(Json lease, const std::string& identity, seconds duration, WallTime now) {
  Json& spec = SpecOf(lease);
  Hold(spec, identity, duration);
  spec[kTransitions] = TransitionsOf(spec, 1);
  spec[kAcquired] = MicroTime(now);
  SetRenewed(spec, now);
  return lease;
}

Json RenewedLease(Json lease, const std::string& identity, seconds duration, WallTime now) {
  Json& spec = SpecOf(lease);
  Hold(spec, identity, duration);
  spec[kTransitions] = TransitionsOf(spec, 0);
  if (!FieldOf(spec, kAcquired).is_string()) spec[kAcquired] = MicroTime(now);
  SetRenewed(spec, now);
  return lease;
}

Json ReleasedLease(Json lease, WallTime now) {
  Json& spec = SpecOf(lease);
  Hold(spec, "", seconds(kReleasedDuration));
  SetRenewed(spec, now);
  return lease;
}

}  // namespace nodedevice
