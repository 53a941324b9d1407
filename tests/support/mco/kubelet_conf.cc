#include "tests/support/mco/kubelet_conf.h"

#include <set>
#include <string_view>

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

// The fields of KubeletConfiguration, kubelet.config.k8s.io/v1beta1.
bool IsField(std::string_view key) {
  static const std::set<std::string_view> fields = {
      "address",
      "allowedUnsafeSysctls",
      "authentication",
      "authorization",
      "cgroupDriver",
      "cgroupRoot",
      "cgroupsPerQOS",
      "clusterDNS",
      "clusterDomain",
      "configMapAndSecretChangeDetectionStrategy",
      "containerLogMaxFiles",
      "containerLogMaxSize",
      "containerLogMaxWorkers",
      "containerLogMonitorInterval",
      "containerRuntimeEndpoint",
      "contentType",
      "cpuCFSQuota",
      "cpuCFSQuotaPeriod",
      "cpuManagerPolicy",
      "cpuManagerPolicyOptions",
      "cpuManagerReconcilePeriod",
      "crashLoopBackOff",
      "enableControllerAttachDetach",
      "enableContentionProfiling",
      "enableDebugFlagsHandler",
      "enableDebuggingHandlers",
      "enableProfilingHandler",
      "enableServer",
      "enableSystemLogHandler",
      "enableSystemLogQuery",
      "enforceNodeAllocatable",
      "eventBurst",
      "eventRecordQPS",
      "evictionHard",
      "evictionMaxPodGracePeriod",
      "evictionMinimumReclaim",
      "evictionPressureTransitionPeriod",
      "evictionSoft",
      "evictionSoftGracePeriod",
      "failCgroupV1",
      "failSwapOn",
      "featureGates",
      "fileCheckFrequency",
      "hairpinMode",
      "healthzBindAddress",
      "healthzPort",
      "httpCheckFrequency",
      "imageGCHighThresholdPercent",
      "imageGCLowThresholdPercent",
      "imageMaximumGCAge",
      "imageMinimumGCAge",
      "imagePullCredentialsVerificationPolicy",
      "imageServiceEndpoint",
      "iptablesDropBit",
      "iptablesMasqueradeBit",
      "kernelMemcgNotification",
      "kubeAPIBurst",
      "kubeAPIQPS",
      "kubeReserved",
      "kubeReservedCgroup",
      "kubeletCgroups",
      "localStorageCapacityIsolation",
      "logging",
      "makeIPTablesUtilChains",
      "maxOpenFiles",
      "maxParallelImagePulls",
      "maxPods",
      "memoryManagerPolicy",
      "memorySwap",
      "memoryThrottlingFactor",
      "mergeDefaultEvictionSettings",
      "nodeLeaseDurationSeconds",
      "nodeStatusMaxImages",
      "nodeStatusReportFrequency",
      "nodeStatusUpdateFrequency",
      "oomScoreAdj",
      "podCIDR",
      "podLogsDir",
      "podPidsLimit",
      "podsPerCore",
      "port",
      "preloadedImagesVerificationAllowlist",
      "protectKernelDefaults",
      "providerID",
      "qosReserved",
      "readOnlyPort",
      "registerNode",
      "registerWithTaints",
      "registryBurst",
      "registryPullQPS",
      "reservedMemory",
      "reservedSystemCPUs",
      "resolvConf",
      "rotateCertificates",
      "runOnce",
      "runtimeRequestTimeout",
      "seccompDefault",
      "serializeImagePulls",
      "serverTLSBootstrap",
      "shutdownGracePeriod",
      "shutdownGracePeriodByPodPriority",
      "shutdownGracePeriodCriticalPods",
      "singleProcessOOMKill",
      "staticPodPath",
      "staticPodURL",
      "staticPodURLHeader",
      "streamingConnectionIdleTimeout",
      "syncFrequency",
      "systemCgroups",
      "systemReserved",
      "systemReservedCgroup",
      "tlsCertFile",
      "tlsCipherSuites",
      "tlsMinVersion",
      "tlsPrivateKeyFile",
      "topologyManagerPolicy",
      "topologyManagerPolicyOptions",
      "topologyManagerScope",
      "tracing",
      "userNamespaces",
      "volumePluginDir",
      "volumeStatsAggPeriod",
  };
  return fields.contains(key);
}

Json Defaults() {
  return {{"apiVersion", "kubelet.config.k8s.io/v1beta1"},
          {"kind", "KubeletConfiguration"},
          {"authentication", {{"anonymous", {{"enabled", false}}}}},
          {"cgroupDriver", "systemd"},
          {"cgroupRoot", "/"},
          {"clusterDomain", "cluster.local"},
          {"containerLogMaxSize", "50Mi"},
          {"imageMinimumGCAge", "0s"},
          {"maxPods", 250},
          {"podPidsLimit", 4096},
          {"rotateCertificates", true},
          {"serializeImagePulls", false},
          {"staticPodPath", "/etc/kubernetes/manifests"},
          {"systemCgroups", "/system.slice"},
          {"topologyManagerPolicy", "none"}};
}

// What is empty does not replace anything.
void Merge(Json& into, const Json& given) {
  for (const auto& [key, value] : given.items()) {
    if (value.empty() || value == "") continue;
    Json& field = into[key];
    if (value.is_object() && field.is_object()) {
      Merge(field, value);
    } else {
      field = value;
    }
  }
}

}  // namespace

std::string KubeletConf(const Json& kubelet_config) {
  Json known = Json::object();
  if (kubelet_config.is_object()) {
    for (const auto& [key, value] : kubelet_config.items()) {
      if (IsField(key)) known[key] = value;
    }
  }
  Json conf = Defaults();
  Merge(conf, known);
  return conf.dump(2) + "\n";
}

}  // namespace nodedevice::testing::mco
