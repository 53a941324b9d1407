#pragma once

#include <filesystem>

namespace nodedevice {

// Where the kubelet keeps its sockets, below --kubelet-dir (/var/lib/kubelet on a node).
// contracts: device plugin API, files and sockets.
class KubeletPaths {
 public:
  explicit KubeletPaths(std::filesystem::path kubelet_dir) : root_(std::move(kubelet_dir)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path device_plugins() const { return root_ / "device-plugins"; }
  std::filesystem::path registration_socket() const { return device_plugins() / "kubelet.sock"; }
  std::filesystem::path checkpoint() const {
    return device_plugins() / "kubelet_internal_checkpoint";
  }
  std::filesystem::path plugins_registry() const { return root_ / "plugins_registry"; }
  std::filesystem::path pod_resources() const { return root_ / "pod-resources"; }
  std::filesystem::path pod_resources_socket() const { return pod_resources() / "kubelet.sock"; }

 private:
  std::filesystem::path root_;
};

inline constexpr char kDefaultKubeletDir[] = "/var/lib/kubelet";

}  // namespace nodedevice
