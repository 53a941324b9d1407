#include <malloc.h>
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "agent/agent.h"
#include "agent/config_file.h"
#include "agent/config_object.h"
#include "agent/manager_inquiry.h"
#include "agent/node_facts.h"
#include "agent/node_reporter.h"
#include "agent/options.h"
#include "agent/routes.h"
#include "lib/base/event_loop.h"
#include "lib/base/log.h"
#include "lib/base/process.h"
#include "lib/base/published.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "lib/metrics/http_server.h"
#include "lib/metrics/tls_credentials.h"
#include "lib/service/api_connection.h"
#include "lib/service/memory_trimmer.h"
#include "lib/service/token_review.h"

namespace nodedevice {
namespace {

int Check(const AgentOptions& options) {
  const CheckResult result = CheckConfigFile(options.config);
  std::fprintf(result.ok ? stdout : stderr, "%s\n", result.text.c_str());
  return result.ok ? 0 : 1;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "node-device-agent: %s\n", std::string(status.message()).c_str());
  return 1;
}

// What the agent needs of the API, when it is given a name instead of a file.
struct ApiSide {
  ApiSide(EventLoop& loop, std::unique_ptr<ApiClient> api, const NodeIdentity& identity)
      : client(std::move(api)),
        reporter(loop, worker, *client, identity, std::random_device()()),
        facts(loop, worker, *client, identity.node_name,
              [this](const NodeInfo& node) { agent->SetNode(node); }),
        inquiry(
            loop, worker, *client, identity.node_name,
            [this](std::vector<std::string> why) { agent->SetExplanation(std::move(why)); },
            std::random_device()()),
        trimmer(loop) {}
  ~ApiSide() { client->Shutdown(); }

  std::unique_ptr<ApiClient> client;
  Worker worker;         // states, events, lists
  Worker review_worker;  // a scrape must not wait for those
  NodeReporter reporter;
  NodeFacts facts;
  ManagerInquiry inquiry;
  MemoryTrimmer trimmer;
  Agent* agent = nullptr;  // set before the loop runs

  void Observe(const Snapshot& before, const Snapshot& after) {
    reporter.Observe(before, after);
    inquiry.Observe(after.device_manager);
    const bool is_another_kubelet = before.device_manager.since != after.device_manager.since;
    if (after.device_manager.up && (after.node.kubelet_version.empty() || is_another_kubelet)) {
      facts.Look();
    }
  }
};

// Null when a file is all it needs.
absl::StatusOr<std::unique_ptr<ApiSide>> MakeApiSide(EventLoop& loop, const AgentOptions& options) {
  if (options.config_name.empty()) return nullptr;
  ASSIGN_OR_RETURN(
      ApiConnection api,
      ConnectToApi(options.kubeconfig, {.user_agent = "node-device-agent/" NODEDEVICE_VERSION}));
  spdlog::info("node {} of the cluster at {}", options.node_name, api.server);
  return std::make_unique<ApiSide>(
      loop, std::move(api.client),
      NodeIdentity{options.node_name, options.config_name, options.pod_name});
}

MakeConfigSource SourceOf(EventLoop& loop, const AgentOptions& options, ApiSide* api) {
  return
      [&loop, &options, api](ConfigSource::Callbacks callbacks) -> std::unique_ptr<ConfigSource> {
        if (api == nullptr) {
          return std::make_unique<ConfigFile>(loop, options.config, std::move(callbacks));
        }
        return std::make_unique<ConfigObject>(loop, api->worker, *api->client, options.config_name,
                                              std::move(callbacks), std::random_device()());
      };
}

int Run(const AgentOptions& options) {
  if (const absl::Status status =
          ConfigureLog("node-device-agent", options.log_format, options.log_level);
      !status.ok()) {
    return Fail(status);
  }
  if (const absl::Status status = AdoptOrphans(); !status.ok()) return Fail(status);

  Snapshot first;
  first.started = first.looked_at = Clock::now();
  first.device_manager.problem = "the agent is starting";
  Published<Snapshot> published(first);
  EventLoop loop;
  absl::StatusOr<std::unique_ptr<ApiSide>> connected = MakeApiSide(loop, options);
  if (!connected.ok()) return Fail(connected.status());
  ApiSide* const api = connected->get();

  absl::StatusOr<std::unique_ptr<TlsCredentials>> tls = LoadTls(options.https.tls);
  if (!tls.ok()) return Fail(tls.status());
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
      options.listen, AgentRoutes(published, tls->get()),
      {.tls = tls->get(),
       .access = {.client_names = {options.https.client_names.begin(),
                                   options.https.client_names.end()}},
       .review = api ? MakeTokenReviewer(api->review_worker, *api->client) : TokenReviewer()});
  if (!server.ok()) return Fail(server.status());
  spdlog::info("serving {}://{}/ with /metrics, /healthz and /readyz", *tls ? "https" : "http",
               (*server)->address());

  Agent agent(loop, SourceOf(loop, options, api),
              {.plugin_binary = options.plugin_binary,
               .host_root = options.host_root,
               .kubelet_dir = options.kubelet_dir,
               .log_level = options.log_level},
              published,
              {.on_stopped =
                   [&loop, api] {
                     if (api == nullptr) return loop.Stop();
                     api->reporter.Finish([&loop] { loop.Stop(); });
                   },
               .on_snapshot =
                   [api](const Snapshot& before, const Snapshot& after) {
                     if (api) api->Observe(before, after);
                   }});
  if (api) api->agent = &agent;
  const SignalWatch signals(loop, {SIGTERM, SIGINT, SIGCHLD}, [&agent](int signal) {
    if (signal == SIGCHLD) {
      agent.Reap();
    } else {
      spdlog::info("signal {}: stopping every plugin", signal);
      agent.Stop();
    }
  });
  agent.Start();
  loop.Run();
  spdlog::info("every plugin has ended");
  return agent.gave_up() ? 1 : 0;
}

int Main(int argc, const char* const* argv) {
  // One heap for the few threads that hardly ever work at the same time.
  ::mallopt(M_ARENA_MAX, 1);
  // Before any thread exists: all of them inherit it. A broken pipe is an error, not a signal.
  BlockSignals({SIGTERM, SIGINT, SIGCHLD, SIGPIPE});
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto parsed = ParseAgentOptions(argc, argv, self);
  if (const EarlyExit* exit = std::get_if<EarlyExit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->code == 0 ? stdout : stderr);
    return exit->code;
  }
  const AgentOptions& options = std::get<AgentOptions>(parsed);
  return options.check ? Check(options) : Run(options);
}

}  // namespace
}  // namespace nodedevice

int main(int argc, char** argv) { return nodedevice::Main(argc, argv); }
