#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <variant>

#include "agent/agent.h"
#include "agent/config_file.h"
#include "agent/options.h"
#include "agent/routes.h"
#include "lib/base/event_loop.h"
#include "lib/base/log.h"
#include "lib/base/process.h"
#include "lib/base/published.h"
#include "lib/metrics/http_server.h"
#include "lib/metrics/tls_credentials.h"

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

// Null when plain HTTP is asked for.
absl::StatusOr<std::unique_ptr<TlsCredentials>> LoadTls(const TlsOptions& options) {
  if (options.certificate.empty()) return nullptr;
  return TlsCredentials::Load(options, [](const TlsNews& news) {
    spdlog::log(news.problem ? spdlog::level::warn : spdlog::level::info, news.text);
  });
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
  Published<Snapshot> published(first);
  EventLoop loop;
  absl::StatusOr<std::unique_ptr<TlsCredentials>> tls = LoadTls(options.tls);
  if (!tls.ok()) return Fail(tls.status());
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
      options.listen, AgentRoutes(published, tls->get()),
      {.tls = tls->get(),
       .access = {.client_names = {options.client_names.begin(), options.client_names.end()}}});
  if (!server.ok()) return Fail(server.status());
  spdlog::info("serving {}://{}/ with /metrics, /healthz and /readyz", *tls ? "https" : "http",
               (*server)->address());

  Agent agent(loop, options.config,
              {.plugin_binary = options.plugin_binary,
               .host_root = options.host_root,
               .kubelet_dir = options.kubelet_dir,
               .log_level = options.log_level},
              published, [&loop] { loop.Stop(); });
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
