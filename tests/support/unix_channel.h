#pragma once

#include <filesystem>
#include <memory>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace nodedevice::testing {

// A connection of its own to a socket. Channels to one address share a connection otherwise, and so
// a stale one after a restart of who listens there.
inline std::shared_ptr<grpc::Channel> UnixChannel(const std::filesystem::path& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  return grpc::CreateCustomChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace nodedevice::testing
