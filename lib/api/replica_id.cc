#include "lib/api/replica_id.h"

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

constexpr char kReplicaMark[] = "::";

}  // namespace

std::string ReplicaId(const std::string& id, int replica, int replicas) {
  return replicas == 1 ? id : absl::StrCat(id, kReplicaMark, replica);
}

std::string_view BaseId(std::string_view wire_id) {
  const std::size_t mark = wire_id.rfind(kReplicaMark);
  return mark == std::string_view::npos ? wire_id : wire_id.substr(0, mark);
}

}  // namespace nodedevice
