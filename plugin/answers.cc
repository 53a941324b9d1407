#include "plugin/answers.h"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

#include "lib/base/log.h"
#include "plugin/allocation.h"
#include "plugin/preference.h"
#include "plugin/wire_options.h"

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

const PluginSpec& Answers::SpecOf(const Announcement& offered) const {
  return offered.spec != nullptr ? *offered.spec : parts_.spec;
}

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
  *reply = OptionsOfThisPlugin(/*prepares=*/parts_.prepare != nullptr);
  return absl::OkStatus();
}

absl::Status Answers::GetPreferredAllocation(const v1beta1::PreferredAllocationRequest& request,
                                             v1beta1::PreferredAllocationResponse* reply) const {
  const auto offered = parts_.board.Current();
  for (const auto& container : request.container_requests()) {
    ASSIGN_OR_RETURN(
        std::vector<std::string> preferred,
        Prefer(*offered, SpecOf(*offered).preference, Ids(container.available_deviceids()),
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
                     AnswerContainer(*offered, SpecOf(*offered), Ids(container.devices_ids())));
    // Nodes of devices that are made ready later may come then.
    if (parts_.prepare == nullptr) RETURN_IF_ERROR(CheckNodes(answer.nodes));
    Fill(answer, reply->add_container_responses());
  }
  return absl::OkStatus();
}

void Answers::PreStartContainer(const v1beta1::PreStartContainerRequest& request, Done done) const {
  const auto offered = parts_.board.Current();
  const std::vector<std::string> wire_ids = Ids(request.devices_ids());
  const auto answer = AnswerContainer(*offered, SpecOf(*offered), wire_ids);
  if (!answer.ok()) return done(answer.status());
  // Without preparation the options do not ask for this call. Whoever calls it all the same learns
  // whether the devices are still there.
  if (parts_.prepare == nullptr) return done(CheckNodes(answer->nodes));
  std::set<std::string> ids;
  for (const std::string& id : wire_ids) ids.emplace(BaseId(id));
  parts_.prepare(std::move(ids), [self = *this, nodes = answer->nodes,
                                  done = std::move(done)](const absl::Status& status) {
    done(status.ok() ? self.CheckNodes(nodes) : status);
  });
}

void Answers::Record(const char* method, Duration took, const absl::Status& status) const {
  parts_.stats.Record(method, took);
  if (!status.ok()) spdlog::warn("{} refused: {}", method, std::string(status.message()));
  parts_.on_answered();
}

}  // namespace nodedevice
