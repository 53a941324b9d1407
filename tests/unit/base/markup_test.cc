#include "lib/base/markup.h"

#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

TEST(EscapeMarkupTest, EscapesWhatHasAMeaning) {
  EXPECT_EQ(EscapeMarkup("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(EscapeMarkup("plain ü"), "plain ü");
}

}  // namespace
}  // namespace nodedevice::testing
