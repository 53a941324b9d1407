// The agent's metrics over TLS: who may read them, as the API server says, and a real Prometheus
// that goes on scraping when the certificate is renewed.

#include <signal.h>

#include <filesystem>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/places.h"
#include "tests/support/program.h"
#include "tests/support/test_certificates.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr char kName[] = "metrics";
constexpr char kPrometheusName[] = "system:serviceaccount:openshift-monitoring:prometheus-k8s";
const std::string kAgent = SourceRoot() / "build/release/bin/node-device-agent";

class Metrics : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster().MustKubectl({"apply", "-k", SourceRoot() / "crds"});
    cluster().MakeNamespace(namespace_);
    Write("ca.crt", server_authority_.pem());
    Write("clients.crt", client_authority_.pem());
    WriteCertificate();
    WriteClient("prometheus", kPrometheusName);
    WriteClient("stranger", "somebody");
    Write("kubeconfig", Kubeconfig());
    // As an administrator would: whoever has this role may read metrics.
    cluster().MustKubectl({"create", "serviceaccount", "reader", "-n", namespace_});
    cluster().MustKubectl({"create", "serviceaccount", "passer-by", "-n", namespace_});
    cluster().MustKubectl(
        {"create", "clusterrole", kName, "--verb=get", "--non-resource-url=/metrics"});
    cluster().MustKubectl({"create", "clusterrolebinding", kName,
                           absl::StrCat("--clusterrole=", kName),
                           absl::StrCat("--serviceaccount=", namespace_, ":reader")});
    agent_ = std::make_unique<Program>(
        node_.OnNodesFiles({kAgent, "--config-name", kName, "--kubeconfig", Folder() / "kubeconfig",
                            "--node-name", kName, "--tls-cert", Folder() / "tls.crt", "--tls-key",
                            Folder() / "tls.key", "--client-ca", Folder() / "clients.crt"}),
        Folder() / "agent.log");
    ASSERT_TRUE(WaitFor([this] { return Code({}, "/healthz") == "200"; })) << agent_->Output();
  }
  void TearDown() override {
    if (agent_) {
      agent_->Signal(SIGTERM);
      agent_->Wait();
    }
    for (const char* kind : {"clusterrole", "clusterrolebinding"}) {
      cluster().MustKubectl({"delete", kind, kName});
    }
    cluster().DeleteNamespace(namespace_);
  }

  const Cluster& cluster() const { return node_.cluster(); }
  const Node& node() const { return node_; }
  fs::path Folder() const { return node_.Folder() / "metrics"; }

  void Write(const std::string& file, const std::string& text) const {
    MustWrite(Folder() / file, text);
  }
  // A certificate for the agent, another one each time.
  void WriteCertificate() const {
    const TestCertificate server = server_authority_.Server();
    Write("tls.key", server.key);
    Write("tls.crt", server.certificate);
  }
  void WriteClient(const std::string& file, const std::string& name) const {
    const TestCertificate client = client_authority_.Client(name);
    Write(file + ".crt", client.certificate);
    Write(file + ".key", client.key);
  }
  // The API server as the node reaches it, with an administrator's certificate.
  std::string Kubeconfig() const {
    const fs::path pki = cluster().Folder() / "pki";
    return Json({{"apiVersion", "v1"},
                 {"kind", "Config"},
                 {"current-context", "here"},
                 {"contexts",
                  {{{"name", "here"}, {"context", {{"cluster", "here"}, {"user", "admin"}}}}}},
                 {"clusters",
                  {{{"name", "here"},
                    {"cluster",
                     {{"server", "https://10.99.0.1:6443"},
                      {"certificate-authority", pki / "ca.crt"}}}}}},
                 {"users",
                  {{{"name", "admin"},
                    {"user",
                     {{"client-certificate", pki / "admin.crt"},
                      {"client-key", pki / "admin.key"}}}}}}})
        .dump();
  }

  std::string TokenOf(const std::string& account) const {
    std::string token = cluster().MustKubectl({"create", "token", account, "-n", namespace_});
    while (token.ends_with('\n')) token.pop_back();
    return token;
  }

  CommandResult Curl(std::vector<std::string> options, const std::string& path) const {
    std::vector<std::string> command = {"curl", "--silent", "--max-time",
                                        "10",   "--cacert", Folder() / "ca.crt"};
    command.insert(command.end(), options.begin(), options.end());
    command.push_back("https://localhost:9807" + path);
    return node_.Run(command);
  }
  // The code of the answer.
  std::string Code(std::vector<std::string> options, const std::string& path = "/metrics") const {
    options.insert(options.end(), {"--output", "/dev/null", "--write-out", "%{http_code}"});
    return Curl(std::move(options), path).out;
  }
  std::vector<std::string> Bearer(const std::string& token) const {
    return {"--header", "Authorization: Bearer " + token};
  }
  std::vector<std::string> ClientCertificate(const std::string& file) const {
    return {"--cert", Folder() / (file + ".crt"), "--key", Folder() / (file + ".key")};
  }

 private:
  const TestAuthority server_authority_{"servers"};
  const TestAuthority client_authority_{"clients"};
  const Node node_{Cluster(), kName};
  // One for each story: it takes some seconds until one is gone.
  static inline int count_ = 0;
  const std::string namespace_ = absl::StrCat(kName, "-", ++count_);
  std::unique_ptr<Program> agent_;
};

TEST_F(Metrics, AreForWhomTheApiServerOrACertificateLetsIn) {
  EXPECT_EQ(Code({}), "401");
  EXPECT_EQ(Code(Bearer("nonsense")), "401");
  EXPECT_EQ(Code(Bearer(TokenOf("passer-by"))), "403");
  EXPECT_EQ(Code(Bearer(TokenOf("reader"))), "200");
  EXPECT_EQ(Code(ClientCertificate("stranger")), "403");
  EXPECT_EQ(Code(ClientCertificate("prometheus")), "200");
  EXPECT_THAT(Curl(ClientCertificate("prometheus"), "/metrics").out,
              HasSubstr("nodedevice_device_manager_up 1"));
  // The kubelet's probes have nothing to show.
  EXPECT_EQ(Code({}, "/healthz"), "200");
}

TEST_F(Metrics, AreScrapedByPrometheusBeforeAndAfterARenewal) {
  Write("prometheus.token", TokenOf("reader"));
  Write("prometheus.yaml", absl::StrCat(R"(global: {scrape_interval: 1s}
scrape_configs:
- job_name: by-token
  scheme: https
  authorization: {credentials_file: prometheus.token}
  tls_config: {ca_file: ca.crt}
  static_configs: [{targets: ["localhost:9807"]}]
- job_name: by-certificate
  scheme: https
  tls_config: {ca_file: ca.crt, cert_file: prometheus.crt, key_file: prometheus.key}
  static_configs: [{targets: ["localhost:9807"]}]
)"));
  Program prometheus(
      node().OnNodesFiles({"prometheus", "--config.file=" + (Folder() / "prometheus.yaml").string(),
                           "--storage.tsdb.path=" + (Folder() / "data").string(),
                           "--web.listen-address=127.0.0.1:9090"}),
      Folder() / "prometheus.log");
  // The newest value of a query that has one series for each job; -1 while there are not two.
  const auto smallest = [&](const std::string& query) {
    const Json answer =
        Json::parse(node()
                        .Run({"curl", "--silent", "--get", "--data-urlencode", "query=" + query,
                              "http://127.0.0.1:9090/api/v1/query"})
                        .out,
                    nullptr, false);
    double value = -1;
    if (!answer.is_object() || !answer.contains("data")) return value;
    const Json result = answer["data"]["result"];
    if (result.size() != 2) return value;
    for (const Json& series : result) {
      double one = 0;
      if (!absl::SimpleAtod(series["value"][1].get<std::string>(), &one)) return -1.0;
      value = value < 0 ? one : std::min(value, one);
    }
    return value;
  };
  const auto is_up = [&] { return smallest("up") == 1; };
  ASSERT_TRUE(WaitFor(is_up, kKubeletPace)) << prometheus.Output();

  const auto served = [&] {
    return node()
        .Run({"sh", "-c",
              "openssl s_client -connect localhost:9807 </dev/null 2>/dev/null | "
              "openssl x509 -noout -serial"})
        .out;
  };
  const std::string before = served();
  WriteCertificate();
  ASSERT_TRUE(WaitFor([&] { return served() != before; }, kKubeletPace));
  // Scrapes that began after that, and none that failed.
  const double renewed = smallest("timestamp(up)");
  EXPECT_TRUE(WaitFor([&] { return smallest("timestamp(up)") > renewed + 2; }, kKubeletPace));
  EXPECT_TRUE(is_up());
  EXPECT_EQ(smallest("min_over_time(up[10s])"), 1);
  prometheus.Signal(SIGTERM);
  prometheus.Wait();
}

}  // namespace
}  // namespace nodedevice::testing
