#include "controller/options.h"

#include <chrono>
#include <optional>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "lib/api/dns_label.h"

namespace nodedevice {
namespace {

struct LeaseSeconds {
  int lease = 0;
  double renew = 0;
  double retry = 0;
};

void AddLeaseFlags(CLI::App& app, LeaseSeconds& seconds) {
  CLI::Option* lease =
      app.add_option("--leader-elect-lease-duration", seconds.lease,
                     "how long a controller that died keeps others from leading; without it 137, "
                     "or 270 on a cluster of one node")
          ->type_name("SECONDS");
  CLI::Option* renew = app.add_option("--leader-elect-renew-deadline", seconds.renew,
                                      "how long a leader leads while it cannot renew its lease")
                           ->type_name("SECONDS")
                           ->check(CLI::Range(0.0, 3600.0))
                           ->needs(lease);
  CLI::Option* retry =
      app.add_option("--leader-elect-retry-period", seconds.retry, "between two looks at the lease")
          ->type_name("SECONDS")
          ->check(CLI::Range(0.0, 3600.0))
          ->needs(lease);
  lease->needs(renew)->needs(retry);
}

// Sets what was given; the text says what is wrong with it.
std::string UseLeaseSeconds(const LeaseSeconds& seconds, ControllerOptions& options) {
  if (seconds.lease == 0) return "";
  const auto duration = [](double count) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count));
  };
  const absl::StatusOr<LeaseTimes> times = LeaseTimes::Of(
      std::chrono::seconds(seconds.lease), duration(seconds.renew), duration(seconds.retry));
  if (!times.ok()) {
    return absl::StrCat("--leader-elect-lease-duration: ", std::string(times.status().message()),
                        "\n");
  }
  options.lease_times = *times;
  options.lease_times_given = true;
  return "";
}

std::string ProblemOfName(const std::string& name) {
  return std::string(CheckDnsLabel(name).message());
}

}  // namespace

std::variant<ControllerOptions, EarlyExit> ParseControllerOptions(int argc,
                                                                  const char* const* argv) {
  ControllerOptions options;
  LeaseSeconds lease;
  CLI::App app(
      "Runs the agents of each DevicePluginConfig on the nodes of its pools, and sums up in its "
      "status what they see.");
  app.set_version_flag("--version", "node-device-controller " NODEDEVICE_VERSION);
  app.add_option("--kubeconfig", options.kubeconfig,
                 "how to reach the API; without it as a pod, by its ServiceAccount")
      ->type_name("FILE");
  app.add_option("--namespace", options.name_space, "where the agents and the lease are")
      ->type_name("NAME")
      ->envname("POD_NAMESPACE")
      ->check(ProblemOfName)
      ->capture_default_str();
  app.add_option("--agent-image", options.agent_image, "the image of the agents' pods")
      ->type_name("IMAGE")
      ->envname("RELATED_IMAGE_NODE_DEVICE_AGENT")
      ->required();
  app.add_option("--agent-tls-secret", options.agent_tls_secret,
                 "a Secret of that namespace with tls.crt and tls.key, by which agents serve page "
                 "and metrics to the network; without it on their node's loopback only")
      ->type_name("NAME")
      ->check(ProblemOfName);
  app.add_option("--pod-name", options.pod_name, "this pod's name, for the lease and Events")
      ->type_name("NAME")
      ->envname("POD_NAME");
  app.add_option("--listen", options.listen,
                 "where /metrics, /healthz and /readyz are served; without --tls-cert loopback "
                 "only")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  app.add_option("--health-listen", options.health_listen,
                 "where /healthz and /readyz, and nothing else, are served by plain HTTP as well, "
                 "on any address")
      ->type_name("ADDRESS:PORT");
  AddTlsFlags(app, options.https);
  AddLeaseFlags(app, lease);
  AddLogFlags(app, options.log_format, options.log_level);
  if (std::optional<EarlyExit> exit = ParseCommandLine(app, argc, argv)) return *std::move(exit);
  if (const std::string problem = UseLeaseSeconds(lease, options); !problem.empty()) {
    return EarlyExit{.code = kWrongUsage, .text = problem};
  }
  return options;
}

}  // namespace nodedevice
