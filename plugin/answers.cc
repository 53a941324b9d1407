#include "plugin/answers.h"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

#include "lib/base/log.h"
#include "plugin/allocation.h"
#include "plugin/preference.h"

namespace nodedevice {
namespace {

void Fill(const ContainerAnswer& answer, v1beta1::ContainerAllocateResponse* reply) {
  reply->mutable_envs()->insert(answer.envs.begin(), answer.envs.end());
  reply->mutable_annotations()->insert(answer.annotations.begin(), answer.annotations.end());
  for (const DeviceMount& mount : answer.mounts) {
    v1beta1::Mount* wire = reply->add_mounts();
    wire->set_host_path(mount.host_path);
    wire->set_container_path(mount.ContainerPath());
    wire->set_read_only(mount.read_only);
  }
  for (const DeviceNode& node : answer.nodes) {
    v1beta1::DeviceSpec* wire = reply->add_devices();
    wire->set_host_path(node.host_path);
    wire->set_container_path(node.ContainerPath());
    wire->set_permissions(node.permissions);
  }
  for (const std::string& name : answer.cdi) reply->add_cdi_devices()->set_name(name);
}

std::vector<std::string> Ids(const google::protobuf::RepeatedPtrField<std::string>& ids) {
  return {ids.begin(), ids.end()};
}

}  // namespace

absl::Status Answers::CheckNodes(const std::vector<DeviceNode>& nodes) const {
  for (const DeviceNode& node : nodes) {
    struct stat info;
    if (::lstat(parts_.host.ResolveNative(node.host_path).c_str(), &info) == 0) continue;
    const int error = errno;
    parts_.on_device_missing();
    return ErrnoStatus(error, absl::StrCat(parts_.spec.resource_name, ": ", node.host_path,
                                           " vanished; its device is being reported as unhealthy"));
  }
  return absl::OkStatus();
}

absl::Status Answers::GetDevicePluginOptions(const v1beta1::Empty&,
                                             v1beta1::DevicePluginOptions* reply) const {
  reply->set_get_preferred_allocation_available(true);
  return absl::OkStatus();
}

absl::Status Answers::GetPreferredAllocation(const v1beta1::PreferredAllocationRequest& request,
                                             v1beta1::PreferredAllocationResponse* reply) const {
  const auto offered = parts_.board.Current();
  for (const auto& container : request.container_requests()) {
    ASSIGN_OR_RETURN(std::vector<std::string> preferred,
                     Prefer(*offered, parts_.spec.preference, Ids(container.available_deviceids()),
                            Ids(container.must_include_deviceids()), container.allocation_size()));
    auto* wire = reply->add_container_responses();
    for (std::string& id : preferred) wire->add_deviceids(std::move(id));
  }
  return absl::OkStatus();
}

absl::Status Answers::Allocate(const v1beta1::AllocateRequest& request,
                               v1beta1::AllocateResponse* reply) const {
  const auto offered = parts_.board.Current();
  for (const auto& container : request.container_requests()) {
    ASSIGN_OR_RETURN(const ContainerAnswer answer,
                     AnswerContainer(*offered, parts_.spec, Ids(container.devices_ids())));
    RETURN_IF_ERROR(CheckNodes(answer.nodes));
    Fill(answer, reply->add_container_responses());
  }
  return absl::OkStatus();
}

absl::Status Answers::PreStartContainer(const v1beta1::PreStartContainerRequest& request,
                                        v1beta1::PreStartContainerResponse*) const {
  // No family of today prepares a device before each start, so the options do not ask for this
  // call. Whoever calls it all the same learns whether the devices are still there.
  const auto offered = parts_.board.Current();
  ASSIGN_OR_RETURN(const ContainerAnswer answer,
                   AnswerContainer(*offered, parts_.spec, Ids(request.devices_ids())));
  return CheckNodes(answer.nodes);
}

void Answers::Record(const char* method, Duration took, const absl::Status& status) const {
  parts_.stats.Record(method, took);
  if (!status.ok()) spdlog::warn("{} refused: {}", method, std::string(status.message()));
  parts_.on_answered();
}

}  // namespace nodedevice
