#include "controller/drift.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;

const json kWanted = {{"metadata", {{"name", "x"}}},
                      {"spec", {{"list", {{{"name", "a"}}, {{"name", "b"}}}}, {"count", 3}}}};

TEST(DriftTest, WhatIsNotThereIsApplied) { EXPECT_TRUE(NeedsApply(kWanted, nullptr)); }

TEST(DriftTest, WhatOthersAddedIsTheirs) {
  json has = kWanted;
  has["metadata"]["uid"] = "1";
  has["spec"]["list"][1]["default"] = true;
  has["spec"]["list"].push_back({{"name", "c"}});
  EXPECT_FALSE(NeedsApply(kWanted, has));
}

TEST(DriftTest, WhatWasEditedIsPutBack) {
  json has = kWanted;
  has["spec"]["count"] = 4;
  EXPECT_TRUE(NeedsApply(kWanted, has));
  has = kWanted;
  has["spec"]["list"].erase(1);
  EXPECT_TRUE(NeedsApply(kWanted, has));
  has = kWanted;
  has["spec"] = "text";
  EXPECT_TRUE(NeedsApply(kWanted, has));
}

TEST(FingerprintTest, DiffersWithTheObject) {
  json other = kWanted;
  EXPECT_EQ(Fingerprint(kWanted), Fingerprint(other));
  other["spec"].erase("count");
  EXPECT_NE(Fingerprint(kWanted), Fingerprint(other));
}

}  // namespace
}  // namespace nodedevice
