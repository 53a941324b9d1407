// The agent with a certificate.

#include "tests/integration/agent/agent_fixture.h"
#include "tests/support/connected_client.h"
#include "tests/support/test_certificates.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kPrometheus[] = "system:serviceaccount:openshift-monitoring:prometheus-k8s";

class AgentTlsTest : public AgentTest {
 protected:
  AgentTlsTest() {
    WritePair(pair_);
    dir_.Write("ca.crt", authority_.pem());
    WriteConfig({});
  }

  void WritePair(const TestCertificate& pair) {
    dir_.Write("tls.crt", pair.certificate);
    dir_.Write("tls.key", pair.key);
  }
  std::string Flags() const {
    return absl::StrCat("--tls-cert ", folder_, "/tls.crt --tls-key ", folder_,
                        "/tls.key --client-ca ", folder_, "/ca.crt");
  }

  const TestAuthority authority_;
  const TestCertificate pair_ = authority_.Server();
};

TEST_F(AgentTlsTest, ServesMetricsToPrometheusAndHealthToTheKubelet) {
  StartAgent(Flags(), "https");
  ConnectedClient prometheus(
      port(), {.ca = authority_.pem(), .certificate = authority_.Client(kPrometheus)});
  const HttpAnswer metrics = prometheus.Get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.body, AllOf(HasSubstr("nodedevice_build_info"),
                                  HasSubstr("\nnodedevice_tls_certificate_expiry_seconds ")));
  EXPECT_EQ(prometheus.Get("/").status, 200);

  ConnectedClient kubelet(port(), {.ca = authority_.pem()});
  EXPECT_EQ(kubelet.Get("/healthz").status, 200);
  EXPECT_EQ(kubelet.Get("/metrics").status, 401);
  EXPECT_EQ(kubelet.Get("/metrics", "Authorization: Bearer x\r\n").status, 401);
}

TEST_F(AgentTlsTest, LogsARenewalAndABrokenOne) {
  StartAgent(Flags(), "https");
  const auto log_says_after_a_connection = [this](const std::string& text) {
    return WaitFor([&] {
      ConnectedClient(port(), {.ca = authority_.pem()}).Get("/healthz");
      return Log().find(text) != std::string::npos;
    });
  };
  const TestCertificate next = authority_.Server();
  WritePair(next);
  EXPECT_TRUE(log_says_after_a_connection("new connections get the certificate " + next.serial));
  dir_.Write("tls.key", pair_.key);
  EXPECT_TRUE(log_says_after_a_connection("the last good certificate " + next.serial));
}

TEST_F(AgentTlsTest, DoesNotStartWithWhatItCannotServe) {
  const auto refusal = [this](const std::string& flag, const std::string& value) {
    const Outcome outcome =
        RunProgram({"--config", folder_ + "/config.yaml", "--listen", "127.0.0.1:0", "--tls-cert",
                    folder_ + "/tls.crt", "--tls-key", folder_ + "/tls.key", flag, value});
    EXPECT_EQ(outcome.exit.number, 1);
    return outcome.output;
  };
  EXPECT_THAT(refusal("--tls-cipher-suites", "ECDHE-RSA-AES128-GCM-SHA256,ROT13"),
              HasSubstr("--tls-cipher-suites: 'ROT13' is no cipher suite"));
  EXPECT_THAT(refusal("--client-ca", folder_ + "/none"), HasSubstr("--client-ca: "));
  dir_.Write("tls.key", authority_.Server().key);
  EXPECT_THAT(refusal("--client-ca", folder_ + "/ca.crt"),
              HasSubstr("is not the key of the certificate"));
}

}  // namespace
}  // namespace nodedevice::testing
