#include "devicemanager/registration_service.h"

#include "lib/base/log.h"

namespace nodedevice::devicemanager {

grpc::Status RegistrationService::Register(grpc::ServerContext* /*context*/,
                                           const v1beta1::RegisterRequest* request,
                                           v1beta1::Empty* /*response*/) {
  const absl::Status status = plugins_.Register(*request);
  if (status.ok()) {
    spdlog::info("registered {} at {}", request->resource_name(), request->endpoint());
    return grpc::Status::OK;
  }
  const std::string message(status.message());
  spdlog::warn("registration of '{}' at '{}' refused: {}", request->resource_name(),
               request->endpoint(), message);
  return {grpc::StatusCode::UNKNOWN, message};
}

}  // namespace nodedevice::devicemanager
