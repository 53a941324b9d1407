#pragma once

#include "devicemanager/plugin_connections.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice::devicemanager {

// The kubelet's v1beta1.Registration. Called by gRPC's threads, one of them for each call under
// way. Every refusal has the code Unknown, as the kubelet's.
class RegistrationService : public v1beta1::Registration::Service {
 public:
  explicit RegistrationService(PluginConnections& plugins) : plugins_(plugins) {}

  grpc::Status Register(grpc::ServerContext* context, const v1beta1::RegisterRequest* request,
                        v1beta1::Empty* response) override;

 private:
  PluginConnections& plugins_;
};

}  // namespace nodedevice::devicemanager
