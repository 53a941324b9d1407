#include "lib/service/responses.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/metrics/text_format.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ResponsesTest, TellsWhenTheCertificateExpires) {
  EXPECT_EQ(ToMetricsText({CertificateExpiry(1'800'000'000)}),
            "# HELP nodedevice_tls_certificate_expiry_seconds When the certificate that this is "
            "served with expires, in seconds since the Unix epoch.\n"
            "# TYPE nodedevice_tls_certificate_expiry_seconds gauge\n"
            "nodedevice_tls_certificate_expiry_seconds 1800000000\n");
}

TEST(ResponsesTest, SayEveryReasonOnALineOfItsOwn) {
  EXPECT_EQ(OkUnless({}).status, 200);
  EXPECT_EQ(OkUnless({}).body, "ok\n");
  EXPECT_EQ(OkUnless({"a", "b"}).status, 503);
  EXPECT_EQ(OkUnless({"a", "b"}).body, "a\nb\n");
}

TEST(ResponsesTest, MetricsComeWithThoseOfTheProcess) {
  const HttpResponse response = MetricsResponse({}, nullptr);
  EXPECT_EQ(response.content_type, kMetricsContentType);
  EXPECT_THAT(response.body, HasSubstr("\nprocess_open_fds "));
  EXPECT_THAT(response.body, Not(HasSubstr("certificate")));
}

}  // namespace
}  // namespace nodedevice::testing
