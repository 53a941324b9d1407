#include "lib/kube/cluster_access.h"

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

TEST(AccessFromPodTest, NamesTheServerAndTheFilesOfTheServiceAccount) {
  const auto access = AccessFromPod("10.0.0.1", "443");
  ASSERT_TRUE(access.ok());
  EXPECT_EQ(access->server, "https://10.0.0.1:443");
  EXPECT_EQ(access->ca_file, "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
  EXPECT_EQ(access->token_file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(access->ca + access->token, "");
  EXPECT_EQ(AccessFromPod("10.0.0.1", "443", "/sa")->token_file, "/sa/token");
}

TEST(AccessFromPodTest, AnIpv6AddressGetsBrackets) {
  EXPECT_EQ(AccessFromPod("fd00::1", "6443")->server, "https://[fd00::1]:6443");
}

TEST(AccessFromPodTest, WithoutItsVariablesItIsNoPod) {
  for (const auto& [host, port] : {std::pair{"", "443"}, {"10.0.0.1", ""}, {"", ""}}) {
    const absl::Status status = AccessFromPod(host, port).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(status.message(),
              "this is not a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; "
              "give --kubeconfig");
  }
}

class KubeconfigTest : public ::testing::Test {
 protected:
  static std::string Config(const std::string& cluster, const std::string& user,
                            const std::string& context = "{cluster: c, user: u}") {
    return "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts:\n"
           "- {name: other, context: {cluster: x, user: x}}\n- {name: here, context: " +
           context + "}\nclusters:\n- {name: c, cluster: " + cluster +
           "}\nusers:\n- {name: u, user: " + user + "}\n";
  }
  absl::StatusOr<ClusterAccess> Read(const std::string& text) const {
    return AccessFromKubeconfig(dir_.Write("config", text));
  }
  // What it is refused with, after the file's name.
  std::string Refusal(const std::string& text) const {
    const absl::Status status = Read(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    const std::string prefix = (dir_.path() / "config").string() + ": ";
    const std::string message(status.message());
    EXPECT_TRUE(message.starts_with(prefix)) << message;
    return message.substr(std::min(prefix.size(), message.size()));
  }

  const testing::TempDir dir_;
};

TEST_F(KubeconfigTest, ReadsDataOfItsCurrentContext) {
  const auto access =
      Read(Config("{server: 'https://host:6443/', certificate-authority-data: Y2E=}",
                  "{client-certificate-data: Y2VydA==, client-key-data: a2V5, token: secret}"));
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->server, "https://host:6443");
  EXPECT_EQ(access->ca, "ca");
  EXPECT_EQ(access->client_certificate, "cert");
  EXPECT_EQ(access->client_key, "key");
  EXPECT_EQ(access->token, "secret");
  EXPECT_TRUE(access->ca_file.empty() && access->client_certificate_file.empty() &&
              access->client_key_file.empty() && access->token_file.empty());
}

TEST_F(KubeconfigTest, FilesAreBesideItUnlessTheyAreAbsolute) {
  const auto access =
      Read(Config("{server: 'https://host', certificate-authority: pki/ca.crt}",
                  "{client-certificate: /etc/me.crt, client-key: me.key, tokenFile: ../token}"));
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->ca_file, dir_.path() / "pki/ca.crt");
  EXPECT_EQ(access->client_certificate_file, "/etc/me.crt");
  EXPECT_EQ(access->client_key_file, dir_.path() / "me.key");
  EXPECT_EQ(access->token_file, dir_.path() / "../token");
}

TEST_F(KubeconfigTest, DataWinsOverAFile) {
  const auto access =
      Read(Config("{server: 'https://host', certificate-authority: ca.crt, "
                  "certificate-authority-data: Y2E=}",
                  "{}"));
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->ca, "ca");
  EXPECT_TRUE(access->ca_file.empty());
}

TEST_F(KubeconfigTest, NullIsAsGoodAsAbsent) {
  EXPECT_TRUE(Read(Config("{server: 'https://h', certificate-authority: null, "
                          "insecure-skip-tls-verify: false}",
                          "{token: null}"))
                  .ok());
}

TEST_F(KubeconfigTest, RefusesWhatWeDoNotDoByItsName) {
  const std::string cluster = "{server: 'https://h'}";
  for (const char* key : {"exec", "auth-provider", "username", "password", "as"}) {
    EXPECT_EQ(Refusal(Config(cluster, absl::StrCat("{", key, ": x}"))),
              absl::StrCat("the user's ", key,
                           " is not supported; give a client certificate or a token"));
  }
  EXPECT_EQ(Refusal(Config("{server: 'https://h', proxy-url: 'http://p'}", "{}")),
            "the cluster's proxy-url is not supported");
  EXPECT_EQ(Refusal(Config("{server: 'https://h', insecure-skip-tls-verify: true}", "{}")),
            "insecure-skip-tls-verify is not supported; give the certificate authority");
}

TEST_F(KubeconfigTest, RefusesAServerThatIsNotHttps) {
  EXPECT_EQ(Refusal(Config("{server: 'http://h'}", "{}")),
            "the server must begin with https://, is \"http://h\"");
  EXPECT_EQ(Refusal(Config("{}", "{}")), "the server must begin with https://, is \"\"");
}

TEST_F(KubeconfigTest, RefusesDataThatIsNotBase64) {
  EXPECT_EQ(Refusal(Config("{server: 'https://h', certificate-authority-data: '!'}", "{}")),
            "certificate-authority-data is not base64");
  EXPECT_EQ(Refusal(Config("{server: 'https://h'}", "{client-key-data: '!'}")),
            "client-key-data is not base64");
}

TEST_F(KubeconfigTest, RefusesFieldsOfTheWrongType) {
  EXPECT_EQ(Refusal(Config("{server: 7}", "{}")), "server must be a string");
  EXPECT_EQ(Refusal(Config("{server: 'https://h'}", "{token: 12345}")), "token must be a string");
  EXPECT_EQ(Refusal(Config("{server: 'https://h'}", "{tokenFile: []}")),
            "tokenFile must be a string");
  EXPECT_EQ(Refusal(Config("{server: 'https://h', certificate-authority: {}}", "{}")),
            "certificate-authority must be a string");
  EXPECT_EQ(Refusal("current-context: 7"), "current-context must be a string");
}

TEST_F(KubeconfigTest, SaysWhichPartIsMissing) {
  EXPECT_EQ(Refusal(""), "is not a kubeconfig");
  EXPECT_EQ(Refusal("[]"), "is not a kubeconfig");
  EXPECT_EQ(Refusal("{}"), "has no current-context");
  EXPECT_EQ(Refusal("current-context: ''"), "has no current-context");
  EXPECT_EQ(Refusal("current-context: here"), "has no context \"here\"");
  EXPECT_EQ(Refusal("{current-context: here, contexts: {here: {}}}"), "has no context \"here\"");
  EXPECT_EQ(Refusal("{current-context: here, contexts: [7, {name: here}]}"),
            "has no context \"here\"");
  EXPECT_EQ(Refusal(Config("{server: 'https://h'}", "{}", "{cluster: d, user: u}")),
            "has no cluster \"d\"");
  EXPECT_EQ(Refusal(Config("{server: 'https://h'}", "{}", "{cluster: c}")), "has no user \"\"");
  EXPECT_EQ(Refusal(Config("{server: 'https://h'}", "[]")), "has no user \"u\"");
}

TEST_F(KubeconfigTest, BrokenYamlNamesTheFileAndTheLine) {
  EXPECT_TRUE(Refusal("clusters:\n- {").starts_with("line ")) << Refusal("clusters:\n- {");
}

TEST_F(KubeconfigTest, AFileThatIsNotThereIsNamed) {
  const absl::Status status = AccessFromKubeconfig(dir_.path() / "missing").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), (dir_.path() / "missing").string() + ": No such file or directory");
}

}  // namespace
}  // namespace nodedevice
