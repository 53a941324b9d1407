#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>

#include "controller/controller.h"
#include "controller/embedded_manifests.h"
#include "controller/options.h"
#include "controller/routes.h"
#include "lib/base/event_loop.h"
#include "lib/base/log.h"
#include "lib/base/published.h"
#include "lib/base/worker.h"
#include "lib/base/yaml.h"
#include "lib/kube/leader_elector.h"
#include "lib/kube/object_fields.h"
#include "lib/service/api_connection.h"
#include "lib/service/memory_trimmer.h"
#include "lib/service/token_review.h"

namespace nodedevice {
namespace {

constexpr char kLease[] = "node-device-controller";
constexpr auto kLookAround = std::chrono::seconds(10);

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "node-device-controller: %s\n", std::string(status.message()).c_str());
  return 1;
}

// The pod, or the machine.
std::string InstanceName(const ControllerOptions& options) {
  if (!options.pod_name.empty()) return options.pod_name;
  std::array<char, HOST_NAME_MAX + 1> name = {};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// Of this process and no other, ever.
std::string NewIdentity(const std::string& instance) {
  std::random_device random;
  return absl::StrCat(instance, "_", absl::Hex(random(), absl::kZeroPad8),
                      absl::Hex(random(), absl::kZeroPad8), absl::Hex(random(), absl::kZeroPad8),
                      absl::Hex(random(), absl::kZeroPad8));
}

// On a cluster of one node the API server is away as long as the node reboots.
LeaseTimes TimesFor(const ControllerOptions& options, ApiClient& client) {
  if (options.lease_times_given) return options.lease_times;
  const absl::StatusOr<nlohmann::json> infrastructure =
      client.Get("/apis/config.openshift.io/v1/infrastructures/cluster");
  const bool is_single =
      infrastructure.ok() &&
      TextAt(*infrastructure, "/status/infrastructureTopology") == "SingleReplica";
  return is_single ? LeaseTimes::OfSingleNode() : LeaseTimes();
}

// The object graph of a controller that runs.
class Program {
 public:
  Program(const ControllerOptions& options, const Settings& settings, ApiClient& client,
          Published<ControllerSnapshot>& published)
      : published_(published),
        client_(client),
        controller_(loop_, worker_, client, settings, InstanceName(options),
                    {.may_write = [this] { return elector_.leads(); },
                     .on_snapshot = [this] { PublishSoon(); }},
                    std::random_device()()),
        elector_(loop_, lease_worker_, client,
                 {options.name_space, kLease, NewIdentity(InstanceName(options))},
                 TimesFor(options, client),
                 {.on_lead = [this] { Lead(); },
                  .on_lost = [this](const absl::Status& why) { Lose(why); },
                  .on_problem = [this](const absl::Status& problem) { OnLeaseProblem(problem); }},
                 std::random_device()()),
        trimmer_(loop_),
        look_around_(loop_, [this] { LookAround(); }),
        signals_(loop_, {SIGTERM, SIGINT}, [this](int signal) { Stop(signal); }) {}
  // What still waits for an answer of the API does not wait any longer.
  ~Program() { client_.Shutdown(); }

  int Run() {
    elector_.Start();
    LookAround();
    loop_.Run();
    return exit_code_;
  }

 private:
  void Lead() {
    spdlog::info("leading");
    leads_ = true;
    controller_.Start();
    PublishSoon();
  }

  void Lose(const absl::Status& why) {
    spdlog::error("does not lead any more, and ends: {}", std::string(why.message()));
    exit_code_ = 1;
    loop_.Stop();
  }

  void OnLeaseProblem(const absl::Status& problem) {
    if (problem.ok()) {
      spdlog::info("the lease can be looked at again");
    } else {
      spdlog::warn("the lease: {}", std::string(problem.message()));
    }
    lease_problem_ = problem;
    PublishSoon();
  }

  void Stop(int signal) {
    if (std::exchange(stopping_, true)) return;
    spdlog::info("signal {}: giving the lease back", signal);
    controller_.Stop([this] { elector_.Release([this] { loop_.Stop(); }); });
  }

  // Many things change at once.
  void PublishSoon() {
    if (std::exchange(publish_is_due_, true)) return;
    loop_.Post([this] {
      publish_is_due_ = false;
      Publish();
    });
  }

  void Publish() {
    ControllerSnapshot snapshot{.looked_at = looked_at_,
                                .leads = leads_,
                                .lease_problem = std::string(lease_problem_.message())};
    controller_.Fill(snapshot);
    published_.Set(std::move(snapshot));
  }

  void LookAround() {
    looked_at_ = Clock::now();
    if (elector_.holder() != holder_ && !leads_) {
      holder_ = elector_.holder();
      if (!holder_.empty()) spdlog::info("standing by while {} leads", holder_);
    }
    Publish();
    look_around_.After(kLookAround);
  }

  Published<ControllerSnapshot>& published_;
  ApiClient& client_;
  EventLoop loop_;
  Worker worker_;        // lists and writes
  Worker lease_worker_;  // a renewal must not wait for those
  Controller controller_;
  LeaderElector elector_;
  MemoryTrimmer trimmer_;
  Timer look_around_;
  SignalWatch signals_;
  TimePoint looked_at_ = Clock::now();
  absl::Status lease_problem_;
  std::string holder_;
  bool leads_ = false;
  bool stopping_ = false;
  bool publish_is_due_ = false;
  int exit_code_ = 0;
};

int Run(const ControllerOptions& options) {
  if (const absl::Status status =
          ConfigureLog("node-device-controller", options.log_format, options.log_level);
      !status.ok()) {
    return Fail(status);
  }
  absl::StatusOr<nlohmann::json> daemon_set = ParseYaml(AgentDaemonSetYaml());
  if (!daemon_set.ok()) return Fail(daemon_set.status());
  const Settings settings{.name_space = options.name_space,
                          .image = options.agent_image,
                          .daemon_set = *std::move(daemon_set),
                          .agent_tls_secret = options.agent_tls_secret};

  RequestStatistics requests;
  absl::StatusOr<ApiConnection> api =
      ConnectToApi(options.kubeconfig,
                   {.user_agent = "node-device-controller/" NODEDEVICE_VERSION,
                    .on_answer = [&requests](std::string_view verb, int status, Duration took) {
                      requests.Add(verb, status, took);
                    }});
  if (!api.ok()) return Fail(api.status());
  ApiClient& client = *api->client;
  spdlog::info("{} {} of the cluster at {}, in namespace {}", "node-device-controller",
               NODEDEVICE_VERSION, api->server, options.name_space);

  ControllerSnapshot first;
  first.looked_at = Clock::now();
  first.lease_problem = "not asked yet";
  Published<ControllerSnapshot> published(first);
  absl::StatusOr<std::unique_ptr<TlsCredentials>> tls = LoadTls(options.https.tls);
  if (!tls.ok()) return Fail(tls.status());
  Worker review_worker;  // a scrape waits for nothing else
  absl::StatusOr<std::unique_ptr<HttpServer>> server =
      HttpServer::Start(options.listen, ControllerRoutes(published, requests, tls->get()),
                        {.tls = tls->get(),
                         .access = {.client_names = {options.https.client_names.begin(),
                                                     options.https.client_names.end()}},
                         .review = MakeTokenReviewer(review_worker, client)});
  if (!server.ok()) return Fail(server.status());
  spdlog::info("serving {}://{}/metrics", *tls ? "https" : "http", (*server)->address());
  std::unique_ptr<HttpServer> health;
  if (!options.health_listen.empty()) {
    absl::StatusOr<std::unique_ptr<HttpServer>> started = HttpServer::Start(
        options.health_listen, HealthRoutes(published), {.plain_everywhere = true});
    if (!started.ok()) return Fail(started.status());
    health = *std::move(started);
    spdlog::info("serving probes on {}", health->address());
  }

  const int exit_code = Program(options, settings, client, published).Run();
  spdlog::info("ended");
  return exit_code;
}

int Main(int argc, const char* const* argv) {
  // A heap for the loop, which keeps what it knows of thousands of objects, and one for the threads
  // that read them: what these leave behind is given back, with nothing to keep in between.
  ::mallopt(M_ARENA_MAX, 2);
  // Before any thread exists: all of them inherit it. A broken pipe is an error, not a signal.
  BlockSignals({SIGTERM, SIGINT, SIGPIPE});
  const auto parsed = ParseControllerOptions(argc, argv);
  if (const EarlyExit* exit = std::get_if<EarlyExit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->code == 0 ? stdout : stderr);
    return exit->code;
  }
  return Run(std::get<ControllerOptions>(parsed));
}

}  // namespace
}  // namespace nodedevice

int main(int argc, char** argv) { return nodedevice::Main(argc, argv); }
